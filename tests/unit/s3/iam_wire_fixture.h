// The S3 port with accounts and users who call it.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "objstore/iam/accounts.h"
#include "tests/unit/s3/s3_fixture.h"

namespace strata::s3 {

class IamWire : public S3Fixture {
 protected:
  // A form, signed for a service of the query APIs.
  Reply query(const std::string& form, const sigv4::Keys& keys, std::string_view service = "iam") {
    sigv4::ClientRequest request{
        "POST",
        "/",
        "",
        {{"host", "localhost:9000"},
         {"content-type", "application/x-www-form-urlencoded; charset=utf-8"}}};
    EXPECT_TRUE(sigv4::sign_request(request, keys, "us-east-1", clock_.now,
                                    codec::to_hex(digest::sha256(as_bytes(form))), service)
                    .ok());
    return send_raw(head_of(request, form.size()), form);
  }
  Reply query(const std::string& form) { return query(form, kRootKeys); }

  // An S3 request signed with any keys, temporary ones included.
  Reply as(const sigv4::Keys& keys, std::string method, const std::string& target,
           std::string body = "", Headers headers = {}) {
    const size_t mark = target.find('?');
    headers.insert(headers.begin(), {"host", "localhost"});
    sigv4::ClientRequest request{
        std::move(method), target.substr(0, mark),
        mark == std::string::npos ? std::string() : target.substr(mark + 1), std::move(headers)};
    EXPECT_TRUE(sigv4::sign_request(request, keys, "us-east-1", clock_.now,
                                    codec::to_hex(digest::sha256(as_bytes(body))))
                    .ok());
    return send_raw(head_of(request, body.size()), body);
  }

  static http::RequestHead head_of(const sigv4::ClientRequest& request, size_t length) {
    http::RequestHead head;
    head.method = request.method;
    head.path = request.path;
    head.query = request.query;
    head.target = request.path + (request.query.empty() ? "" : "?" + request.query);
    for (const auto& [name, value] : request.headers) head.fields.add(name, value);
    if (request.method == "POST" || request.method == "PUT") head.content_length = length;
    return head;
  }

  // The error code of IAM's shape.
  static std::string iam_code(const Reply& reply) {
    const auto xml = codec::parse_xml(reply.body);
    if (!xml.ok() || xml->child("Error") == nullptr) return "";
    return std::string(xml->child("Error")->child_text("Code"));
  }

  static sigv4::Keys keys_of(const Reply& reply, std::string_view element) {
    const auto xml = codec::parse_xml(reply.body);
    EXPECT_TRUE(xml.ok() && !xml->children.empty());
    const codec::XmlElement* found = xml->children[0].child(element);
    EXPECT_NE(found, nullptr) << reply.body;
    return {std::string(found->child_text("AccessKeyId")),
            std::string(found->child_text("SecretAccessKey")),
            std::string(found->child_text("SessionToken"))};
  }

  // A user whose one policy has these actions on everything in "bucket" and the bucket itself.
  sigv4::Keys user(const std::string& name, const std::string& actions,
                   const std::string& condition = "{}") {
    const std::string version = "&Version=2010-05-08&UserName=" + name;
    EXPECT_EQ(query("Action=CreateUser" + version).status, 200);
    const std::string policy =
        R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":)" + actions +
        R"(,"Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"],"Condition":)" + condition +
        "}]}";
    EXPECT_EQ(query("Action=PutUserPolicy&PolicyName=p" + version +
                    "&PolicyDocument=" + codec::uri_encode(policy, true))
                  .status,
              200);
    return keys_of(query("Action=CreateAccessKey" + version), "AccessKey");
  }

  // Another account's root keys.
  sigv4::Keys account(const std::string& name) {
    iam::NewAccount wanted;
    wanted.name = name;
    auto made = async::run_until_complete(
        *loop_, iam::create_account(directory_, std::move(wanted), clock_.now, random_));
    CHECK(made.ok() && made->ok());
    accounts_[name] = **made;
    return {accounts_[name].root_key.id, accounts_[name].root_key.secret, ""};
  }

  // Without any credentials.
  Reply anonymous(std::string method, std::string path, std::string body = "") {
    sigv4::ClientRequest request{std::move(method), std::move(path), "", {{"host", "localhost"}}};
    return send_raw(head_of(request, body.size()), body);
  }

  std::map<std::string, iam::Account> accounts_;
  const sigv4::Keys kRootKeys{kKey, kSecret, ""};
};

}  // namespace strata::s3
