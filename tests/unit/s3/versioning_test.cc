// Versions, delete markers, tags and object lock, as a client meets them.
#include "tests/unit/s3/s3_fixture.h"

namespace strata::s3 {
namespace {

codec::XmlElement xml_of(const Reply& reply) {
  auto parsed = codec::parse_xml(reply.body);
  EXPECT_TRUE(parsed.ok()) << reply.body;
  return parsed.ok() ? *parsed : codec::XmlElement{};
}

class VersionedWire : public S3Fixture {
 protected:
  Reply configure(std::string query, std::string body, std::string path = "/bucket") {
    return send({.method = "PUT",
                 .path = std::move(path),
                 .query = std::move(query),
                 .body = std::move(body)});
  }
  void versioning(const std::string& status) {
    const Reply reply = configure("versioning=", "<VersioningConfiguration><Status>" + status +
                                                     "</Status></VersioningConfiguration>");
    ASSERT_EQ(reply.status, 200) << reply.body;
  }
  Reply remove(std::string query = "", Headers headers = {}, std::string path = "/bucket/k") {
    return send({.method = "DELETE",
                 .path = std::move(path),
                 .query = std::move(query),
                 .headers = std::move(headers)});
  }
  static std::string id_of(const Reply& reply) {
    return std::string(reply.fields.get("x-amz-version-id"));
  }
  static std::string version(const std::string& id) {
    return "versionId=" + codec::uri_encode(id, true);
  }
  std::string in_hours(int hours) {
    return codec::format_iso8601(clock_.now + std::chrono::hours(hours));
  }
};

TEST_F(VersionedWire, a_condition_beside_a_version_is_on_that_version) {
  versioning("Enabled");
  const Reply older = put("/bucket/k", "1");
  const Reply newer = put("/bucket/k", "2");
  const auto end = [&](const Reply& etag_of) {
    return remove(version(id_of(older)), {{"if-match", std::string(etag_of.fields.get("etag"))}});
  };
  EXPECT_EQ(end(newer).code(), "PreconditionFailed");
  EXPECT_EQ(end(older).status, 204);
  EXPECT_EQ(end(older).code(), "NoSuchKey");
  EXPECT_EQ(get("/bucket/k").body, "2");
}

TEST_F(VersionedWire, a_delete_marker_is_nobodys_source) {
  versioning("Enabled");
  ASSERT_EQ(put("/bucket/k", "1").status, 200);
  const std::string marker = id_of(remove());
  const auto copy = [this](const std::string& source) {
    return put("/bucket/copy", "", {{"x-amz-copy-source", source}});
  };
  EXPECT_EQ(copy("/bucket/k").code(), "NoSuchKey");
  const Reply named = copy("/bucket/k?versionId=" + codec::uri_encode(marker, true));
  EXPECT_EQ(named.status, 400);
  EXPECT_EQ(named.code(), "InvalidRequest");
}

TEST_F(VersionedWire, the_state_of_versioning_is_set_and_told) {
  EXPECT_EQ(xml_of(get("/bucket", "versioning=")).child_text("Status"), "");
  versioning("Enabled");
  EXPECT_EQ(xml_of(get("/bucket", "versioning=")).child_text("Status"), "Enabled");
  versioning("Suspended");
  EXPECT_EQ(xml_of(get("/bucket", "versioning=")).child_text("Status"), "Suspended");
  const auto refused = [this](const std::string& inner) {
    return configure("versioning=",
                     "<VersioningConfiguration>" + inner + "</VersioningConfiguration>")
        .code();
  };
  EXPECT_EQ(refused("<Status>Off</Status>"), "MalformedXML");
  EXPECT_EQ(refused(""), "IllegalVersioningConfigurationException");
  EXPECT_EQ(refused("<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>"), "NotImplemented");
  EXPECT_EQ(refused("<Status>Enabled</Status><MfaDelete>Disabled</MfaDelete>"), "");
  EXPECT_EQ(configure("versioning=", "").code(), "MissingRequestBodyError");
}

TEST_F(VersionedWire, an_id_is_told_only_where_there_are_versions) {
  EXPECT_EQ(put("/bucket/k", "0").fields.find("x-amz-version-id"), nullptr);
  EXPECT_EQ(get("/bucket/k").fields.find("x-amz-version-id"), nullptr);
  EXPECT_EQ(get("/bucket/k", "versionId=null").body, "0");
  versioning("Enabled");
  EXPECT_EQ(id_of(get("/bucket/k")), "null");
  const std::string id = id_of(put("/bucket/k", "1"));
  EXPECT_EQ(id.size(), 32U);
  EXPECT_EQ(id_of(get("/bucket/k")), id);
  EXPECT_EQ(get("/bucket/k", "versionId=null").body, "0");
  EXPECT_EQ(get("/bucket/k", version(id)).body, "1");
  EXPECT_EQ(send({.method = "HEAD", .path = "/bucket/k", .query = "versionId=null"}).announced, 1U);
  EXPECT_EQ(get("/bucket/k", "versionId=").code(), "InvalidArgument");
  EXPECT_EQ(get("/bucket/k", "versionId=x").code(), "InvalidArgument");
  EXPECT_EQ(get("/bucket/k", version(std::string(32, 'a'))).code(), "NoSuchVersion");
  EXPECT_EQ(configure("versionId=null", "x", "/bucket/k").code(), "InvalidArgument");
}

TEST_F(VersionedWire, a_delete_marker_is_told_of_in_every_answer) {
  versioning("Enabled");
  ASSERT_EQ(put("/bucket/k", "1").status, 200);
  const Reply marked = remove();
  EXPECT_EQ(marked.status, 204);
  EXPECT_EQ(marked.fields.get("x-amz-delete-marker"), "true");
  const std::string marker = id_of(marked);
  const Reply gone = get("/bucket/k");
  EXPECT_EQ(gone.code(), "NoSuchKey");
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(gone.fields.get("x-amz-delete-marker"), "true");
  EXPECT_EQ(id_of(gone), marker);
  const Reply by_id = get("/bucket/k", version(marker));
  EXPECT_EQ(by_id.code(), "MethodNotAllowed");
  EXPECT_EQ(by_id.status, 405);
  EXPECT_EQ(by_id.fields.get("x-amz-delete-marker"), "true");
  EXPECT_EQ(by_id.fields.get("allow"), "DELETE");
  EXPECT_FALSE(by_id.fields.get("last-modified").empty());
  EXPECT_EQ(get("/bucket/k", version(marker) + "&tagging=").code(), "MethodNotAllowed");
  const Reply unmarked = remove(version(marker));
  EXPECT_EQ(unmarked.fields.get("x-amz-delete-marker"), "true");
  EXPECT_EQ(id_of(unmarked), marker);
  EXPECT_EQ(get("/bucket/k").body, "1");
}

TEST_F(VersionedWire, versions_are_listed_with_markers_and_prefixes) {
  versioning("Enabled");
  const std::string first = id_of(put("/bucket/a", "1"));
  const std::string second = id_of(put("/bucket/a", "22"));
  ASSERT_EQ(put("/bucket/d/x", "1").status, 200);
  const std::string marker = id_of(remove("", {}, "/bucket/a"));
  auto page = xml_of(get("/bucket", "versions=&delimiter=/"));
  EXPECT_EQ(page.name, "ListVersionsResult");
  EXPECT_EQ(page.child("DeleteMarker")->child_text("VersionId"), marker);
  EXPECT_EQ(page.child("DeleteMarker")->child_text("IsLatest"), "true");
  EXPECT_EQ(page.child("DeleteMarker")->child("Size"), nullptr);
  EXPECT_EQ(page.child("Version")->child_text("VersionId"), second);
  EXPECT_EQ(page.child("Version")->child_text("Size"), "2");
  EXPECT_EQ(page.child("Version")->child_text("IsLatest"), "false");
  EXPECT_EQ(page.child("CommonPrefixes")->child_text("Prefix"), "d/");
  EXPECT_EQ(page.child_text("IsTruncated"), "false");
  page = xml_of(get("/bucket", "versions=&max-keys=2"));
  EXPECT_EQ(page.child_text("NextKeyMarker"), "a");
  EXPECT_EQ(page.child_text("NextVersionIdMarker"), second);
  page = xml_of(get("/bucket", "versions=&max-keys=1&key-marker=a&version-id-marker=" + second));
  EXPECT_EQ(page.child("Version")->child_text("VersionId"), first);
  EXPECT_EQ(get("/bucket", "versions=&version-id-marker=" + second).code(), "InvalidArgument");
  EXPECT_EQ(send({.method = "DELETE", .path = "/bucket"}).code(), "BucketNotEmpty");
}

TEST_F(VersionedWire, many_deletions_name_versions_and_markers) {
  versioning("Enabled");
  const std::string id = id_of(put("/bucket/a", "1"));
  ASSERT_EQ(put("/bucket/b", "1").status, 200);
  const std::string body = "<Delete><Object><Key>a</Key><VersionId>" + id +
                           "</VersionId></Object><Object><Key>b</Key></Object></Delete>";
  const auto result =
      xml_of(send({.method = "POST",
                   .path = "/bucket",
                   .query = "delete=",
                   .headers = {{"host", "localhost"},
                               {"content-md5", codec::to_base64(digest::md5(as_bytes(body)))}},
                   .body = body}));
  ASSERT_EQ(result.children.size(), 2U);
  EXPECT_EQ(result.children[0].child_text("VersionId"), id);
  EXPECT_EQ(result.children[0].child("DeleteMarker"), nullptr);
  EXPECT_EQ(result.children[1].child_text("DeleteMarker"), "true");
  EXPECT_EQ(result.children[1].child_text("DeleteMarkerVersionId").size(), 32U);
}

TEST_F(VersionedWire, a_copy_reads_an_old_version_and_tells_both_ids) {
  versioning("Enabled");
  const std::string first = id_of(put("/bucket/k", "1", {{"x-amz-tagging", "a=b"}}));
  ASSERT_EQ(put("/bucket/k", "2").status, 200);
  const Reply copy = put("/bucket/k", "", {{"x-amz-copy-source", "/bucket/k?versionId=" + first}});
  EXPECT_EQ(copy.status, 200) << copy.body;
  EXPECT_EQ(copy.fields.get("x-amz-copy-source-version-id"), first);
  EXPECT_EQ(id_of(copy).size(), 32U);
  const Reply restored = get("/bucket/k");
  EXPECT_EQ(restored.body, "1");
  EXPECT_EQ(restored.fields.get("x-amz-tagging-count"), "1");
  EXPECT_EQ(put("/bucket/k", "", {{"x-amz-copy-source", "/bucket/k?versionId="}}).code(),
            "InvalidArgument");
}

TEST_F(VersionedWire, tags_of_objects_are_set_read_and_removed) {
  ASSERT_EQ(put("/bucket/k", "1", {{"x-amz-tagging", "a=1&b=x%20y"}}).status, 200);
  EXPECT_EQ(get("/bucket/k").fields.get("x-amz-tagging-count"), "2");
  auto tags = xml_of(get("/bucket/k", "tagging="));
  ASSERT_EQ(tags.child("TagSet")->children.size(), 2U);
  EXPECT_EQ(tags.child("TagSet")->children[1].child_text("Value"), "x y");
  const auto set = [this](const std::string& inner) {
    return configure("tagging=", "<Tagging><TagSet>" + inner + "</TagSet></Tagging>", "/bucket/k");
  };
  const auto tag = [](const std::string& key, const std::string& value) {
    return "<Tag><Key>" + key + "</Key><Value>" + value + "</Value></Tag>";
  };
  EXPECT_EQ(set(tag("c", "")).status, 200);
  EXPECT_EQ(xml_of(get("/bucket/k", "tagging=")).child("TagSet")->children.size(), 1U);
  EXPECT_EQ(set(tag("c", "1") + tag("c", "2")).code(), "InvalidTag");
  EXPECT_EQ(set(tag("", "1")).code(), "InvalidTag");
  EXPECT_EQ(set(tag("aws:x", "1")).code(), "InvalidTag");
  EXPECT_EQ(set(tag("a*", "1")).code(), "InvalidTag");
  EXPECT_EQ(set(tag(std::string(129, 'k'), "1")).code(), "InvalidTag");
  EXPECT_EQ(set(tag("k", std::string(257, 'v'))).code(), "InvalidTag");
  std::string eleven;
  for (int i = 0; i < 11; ++i) eleven += tag("k" + std::to_string(i), "v");
  EXPECT_EQ(set(eleven).code(), "BadRequest");
  EXPECT_EQ(set("<Tag><Key>k</Key></Tag>").code(), "MalformedXML");
  EXPECT_EQ(put("/bucket/k", "1", {{"x-amz-tagging", "a=1&a=2"}}).code(), "InvalidArgument");
  EXPECT_EQ(remove("tagging=").status, 204);
  EXPECT_EQ(get("/bucket/k").fields.find("x-amz-tagging-count"), nullptr);
  EXPECT_EQ(get("/bucket/none", "tagging=").code(), "NoSuchKey");
}

TEST_F(VersionedWire, a_copy_takes_the_tags_that_its_directive_says) {
  ASSERT_EQ(put("/bucket/k", "1", {{"x-amz-tagging", "a=1"}}).status, 200);
  const auto copy = [this](Headers headers) {
    headers.emplace_back("x-amz-copy-source", "/bucket/k");
    return put("/bucket/copy", "", std::move(headers));
  };
  EXPECT_EQ(copy({}).status, 200);
  EXPECT_EQ(get("/bucket/copy").fields.get("x-amz-tagging-count"), "1");
  EXPECT_EQ(copy({{"x-amz-tagging-directive", "REPLACE"}, {"x-amz-tagging", "a=1&b=2"}}).status,
            200);
  EXPECT_EQ(get("/bucket/copy").fields.get("x-amz-tagging-count"), "2");
  EXPECT_EQ(copy({{"x-amz-tagging-directive", "MERGE"}}).code(), "InvalidArgument");
}

TEST_F(VersionedWire, tags_of_a_bucket) {
  EXPECT_EQ(get("/bucket", "tagging=").code(), "NoSuchTagSet");
  const std::string document =
      "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>";
  EXPECT_EQ(configure("tagging=", document).status, 204);
  EXPECT_EQ(xml_of(get("/bucket", "tagging=")).child("TagSet")->children.size(), 1U);
  EXPECT_EQ(remove("tagging=", {}, "/bucket").status, 204);
  EXPECT_EQ(get("/bucket", "tagging=").code(), "NoSuchTagSet");
}

class LockedWire : public VersionedWire {
 protected:
  LockedWire() {
    EXPECT_EQ(put("/locked", "", {{"x-amz-bucket-object-lock-enabled", "true"}}).status, 200);
  }
  Reply set_default(const std::string& rule) {
    return configure("object-lock=",
                     "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>" +
                         rule + "</ObjectLockConfiguration>",
                     "/locked");
  }
  static std::string rule(const std::string& mode, const std::string& period) {
    return "<Rule><DefaultRetention><Mode>" + mode + "</Mode>" + period +
           "</DefaultRetention></Rule>";
  }
  // With the Content-MD5 that S3 wants with what it is to protect.
  Reply put_checked(const std::string& path, const std::string& body, Headers headers = {}) {
    headers.emplace_back("content-md5", codec::to_base64(digest::md5(as_bytes(body))));
    return put(path, body, std::move(headers));
  }
  Reply retain(const std::string& mode, const std::string& until, Headers headers = {}) {
    return send({.method = "PUT",
                 .path = "/locked/k",
                 .query = "retention=",
                 .headers = std::move(headers),
                 .body = "<Retention><Mode>" + mode + "</Mode><RetainUntilDate>" + until +
                         "</RetainUntilDate></Retention>"});
  }
  Reply hold(const std::string& status) {
    return configure("legal-hold=", "<LegalHold><Status>" + status + "</Status></LegalHold>",
                     "/locked/k");
  }
};

const Headers kBypass = {{"x-amz-bypass-governance-retention", "true"}};

TEST_F(LockedWire, comes_with_versioning_that_cannot_be_suspended) {
  EXPECT_EQ(xml_of(get("/locked", "versioning=")).child_text("Status"), "Enabled");
  EXPECT_EQ(configure("versioning=",
                      "<VersioningConfiguration><Status>Suspended</Status>"
                      "</VersioningConfiguration>",
                      "/locked")
                .code(),
            "InvalidBucketState");
  EXPECT_EQ(xml_of(get("/locked", "object-lock=")).child_text("ObjectLockEnabled"), "Enabled");
  EXPECT_EQ(get("/bucket", "object-lock=").code(), "ObjectLockConfigurationNotFoundError");
}

TEST_F(LockedWire, a_configuration_is_checked_and_kept) {
  EXPECT_EQ(set_default(rule("GOVERNANCE", "<Days>1</Days>")).status, 200);
  const auto lock = xml_of(get("/locked", "object-lock="));
  EXPECT_EQ(lock.child("Rule")->child("DefaultRetention")->child_text("Days"), "1");
  EXPECT_EQ(set_default(rule("X", "<Days>1</Days>")).code(), "MalformedXML");
  EXPECT_EQ(set_default(rule("COMPLIANCE", "<Days>1</Days><Years>1</Years>")).code(),
            "MalformedXML");
  EXPECT_EQ(set_default(rule("COMPLIANCE", "<Days>0</Days>")).code(), "InvalidArgument");
  EXPECT_EQ(set_default(rule("COMPLIANCE", "<Years>101</Years>")).code(), "InvalidArgument");
  const std::string plain =
      "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>"
      "</ObjectLockConfiguration>";
  EXPECT_EQ(configure("object-lock=", plain).code(), "InvalidBucketState");
  versioning("Enabled");
  EXPECT_EQ(configure("object-lock=", plain).status, 200);
}

TEST_F(LockedWire, the_default_protects_new_versions_until_it_ends) {
  ASSERT_EQ(set_default(rule("COMPLIANCE", "<Days>1</Days>")).status, 200);
  const std::string id = id_of(put_checked("/locked/k", "1"));
  const Reply head = get("/locked/k");
  EXPECT_EQ(head.fields.get("x-amz-object-lock-mode"), "COMPLIANCE");
  EXPECT_EQ(head.fields.get("x-amz-object-lock-retain-until-date"), in_hours(24));
  EXPECT_EQ(remove(version(id), {}, "/locked/k").code(), "AccessDenied");
  EXPECT_EQ(remove(version(id), kBypass, "/locked/k").code(), "AccessDenied");
  EXPECT_EQ(remove("", {}, "/locked/k").status, 204);  // a marker hides, and removes nothing
  EXPECT_EQ(get("/locked/k", version(id)).body, "1");
  clock_.now += std::chrono::hours(25);
  EXPECT_EQ(remove(version(id), {}, "/locked/k").status, 204);
}

TEST_F(LockedWire, governance_gives_way_to_a_bypass_and_compliance_only_extends) {
  const std::string id = id_of(put_checked("/locked/k", "1"));
  EXPECT_EQ(get("/locked/k", "retention=").code(), "NoSuchObjectLockConfiguration");
  ASSERT_EQ(retain("GOVERNANCE", in_hours(2)).status, 200);
  EXPECT_EQ(xml_of(get("/locked/k", "retention=")).child_text("Mode"), "GOVERNANCE");
  EXPECT_EQ(retain("GOVERNANCE", in_hours(3)).status, 200);
  EXPECT_EQ(retain("GOVERNANCE", in_hours(1)).code(), "AccessDenied");
  EXPECT_EQ(retain("COMPLIANCE", in_hours(3)).code(), "AccessDenied");
  EXPECT_EQ(remove(version(id), {}, "/locked/k").code(), "AccessDenied");
  EXPECT_EQ(retain("GOVERNANCE", in_hours(1), kBypass).status, 200);
  EXPECT_EQ(retain("COMPLIANCE", in_hours(3), kBypass).status, 200);
  EXPECT_EQ(retain("COMPLIANCE", in_hours(2), kBypass).code(), "AccessDenied");
  EXPECT_EQ(retain("GOVERNANCE", in_hours(4), kBypass).code(), "AccessDenied");
  EXPECT_EQ(retain("COMPLIANCE", in_hours(4)).status, 200);
  EXPECT_EQ(retain("COMPLIANCE", in_hours(-1)).code(), "InvalidArgument");
  EXPECT_EQ(retain("X", in_hours(4)).code(), "MalformedXML");
  EXPECT_EQ(remove(version(id), kBypass, "/locked/k").code(), "AccessDenied");
}

TEST_F(LockedWire, a_governed_version_goes_with_a_bypass) {
  const Reply stored = put_checked("/locked/k", "1",
                                   {{"x-amz-object-lock-mode", "GOVERNANCE"},
                                    {"x-amz-object-lock-retain-until-date", in_hours(2)}});
  ASSERT_EQ(stored.status, 200) << stored.body;
  EXPECT_EQ(remove(version(id_of(stored)), {}, "/locked/k").code(), "AccessDenied");
  EXPECT_EQ(remove(version(id_of(stored)), kBypass, "/locked/k").status, 204);
}

TEST_F(LockedWire, a_legal_hold_holds_whatever_is_bypassed) {
  const std::string id =
      id_of(put_checked("/locked/k", "1", {{"x-amz-object-lock-legal-hold", "ON"}}));
  EXPECT_EQ(get("/locked/k").fields.get("x-amz-object-lock-legal-hold"), "ON");
  EXPECT_EQ(remove(version(id), kBypass, "/locked/k").code(), "AccessDenied");
  EXPECT_EQ(hold("OFF").status, 200);
  EXPECT_EQ(xml_of(get("/locked/k", "legal-hold=")).child_text("Status"), "OFF");
  EXPECT_EQ(hold("MAYBE").code(), "MalformedXML");
  EXPECT_EQ(remove(version(id), {}, "/locked/k").status, 204);
}

TEST_F(LockedWire, a_hold_that_was_never_set_is_no_hold_that_ended) {
  ASSERT_EQ(put_checked("/locked/k", "1").status, 200);
  const Reply never = get("/locked/k", "legal-hold=");
  EXPECT_EQ(never.status, 404);
  EXPECT_EQ(never.code(), "NoSuchObjectLockConfiguration");
  EXPECT_EQ(get("/locked/k").fields.find("x-amz-object-lock-legal-hold"), nullptr);
  ASSERT_EQ(hold("OFF").status, 200);
  EXPECT_EQ(xml_of(get("/locked/k", "legal-hold=")).child_text("Status"), "OFF");
  EXPECT_EQ(get("/locked/k").fields.get("x-amz-object-lock-legal-hold"), "OFF");
  ASSERT_EQ(put_checked("/locked/k", "1", {{"x-amz-object-lock-legal-hold", "OFF"}}).status, 200);
  EXPECT_EQ(xml_of(get("/locked/k", "legal-hold=")).child_text("Status"), "OFF");
}

TEST_F(LockedWire, what_is_asked_of_a_bucket_without_it_is_refused) {
  EXPECT_EQ(put_checked("/bucket/k", "1", {{"x-amz-object-lock-legal-hold", "ON"}}).code(),
            "InvalidRequest");
  EXPECT_EQ(put_checked("/bucket/k", "1",
                        {{"x-amz-object-lock-mode", "GOVERNANCE"},
                         {"x-amz-object-lock-retain-until-date", in_hours(2)}})
                .code(),
            "InvalidRequest");
  EXPECT_EQ(put_checked("/locked/k", "1", {{"x-amz-object-lock-mode", "GOVERNANCE"}}).code(),
            "InvalidArgument");
  EXPECT_EQ(put_checked("/locked/k", "1",
                        {{"x-amz-object-lock-mode", "GOVERNANCE"},
                         {"x-amz-object-lock-retain-until-date", in_hours(-2)}})
                .code(),
            "InvalidArgument");
  ASSERT_EQ(put("/bucket/k", "1").status, 200);
  EXPECT_EQ(get("/bucket/k", "retention=").code(), "InvalidRequest");
  EXPECT_EQ(get("/bucket/k", "legal-hold=").code(), "InvalidRequest");
}

TEST_F(LockedWire, what_is_to_be_protected_comes_with_a_checksum) {
  const Headers held = {{"x-amz-object-lock-legal-hold", "ON"}};
  EXPECT_EQ(put("/locked/k", "1", held).code(), "InvalidRequest");
  EXPECT_EQ(put_checked("/locked/k", "1", held).status, 200);
  EXPECT_EQ(put("/locked/other", "1").status, 200);
  ASSERT_EQ(set_default(rule("GOVERNANCE", "<Days>1</Days>")).status, 200);
  EXPECT_EQ(put("/locked/other", "1").code(), "InvalidRequest");
  EXPECT_EQ(put_checked("/locked/other", "1").status, 200);
  const Reply begun =
      send({.method = "POST", .path = "/locked/mp", .query = "uploads=", .headers = held});
  const std::string part =
      "partNumber=1&uploadId=" + std::string(xml_of(begun).child_text("UploadId"));
  EXPECT_EQ(send({.method = "PUT", .path = "/locked/mp", .query = part, .body = "1"}).code(),
            "InvalidRequest");
  const std::string md5 = codec::to_base64(digest::md5(as_bytes(std::string_view("1"))));
  EXPECT_EQ(send({.method = "PUT",
                  .path = "/locked/mp",
                  .query = part,
                  .headers = {{"content-md5", md5}},
                  .body = "1"})
                .status,
            200);
}

}  // namespace
}  // namespace strata::s3
