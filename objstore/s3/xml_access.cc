#include "objstore/s3/xml_access.h"

#include <optional>
#include <string>

#include "common/base/parse.h"
#include "objstore/s3/limits.h"
#include "objstore/s3/xml_request.h"

namespace strata::s3 {

namespace {

using codec::XmlElement;

constexpr size_t kAccessElementsMax = 16;

struct BlockSwitch {
  std::string_view name;
  bool access::PublicAccessBlock::* member;
};
constexpr BlockSwitch kSwitches[] = {
    {"BlockPublicAcls", &access::PublicAccessBlock::block_public_acls},
    {"IgnorePublicAcls", &access::PublicAccessBlock::ignore_public_acls},
    {"BlockPublicPolicy", &access::PublicAccessBlock::block_public_policy},
    {"RestrictPublicBuckets", &access::PublicAccessBlock::restrict_public_buckets},
};

Status take_switch(const XmlElement& element, access::PublicAccessBlock& block) {
  for (const BlockSwitch& row : kSwitches) {
    if (row.name != element.name) continue;
    const std::string_view text = trim(element.text);
    if (!element.children.empty()) return malformed_xml();
    if (ascii_iequals(text, "true")) {
      block.*row.member = true;
    } else if (ascii_iequals(text, "false")) {
      block.*row.member = false;
    } else {
      return malformed_xml();
    }
    return {};
  }
  return malformed_xml();
}

}  // namespace

Result<access::PublicAccessBlock> parse_public_access_block(std::string_view xml) {
  TRY_ASSIGN(const XmlElement root, parse_root(xml, "PublicAccessBlockConfiguration",
                                               kConfigurationXmlBytesMax, kAccessElementsMax));
  access::PublicAccessBlock block{false, false, false, false};
  for (const XmlElement& element : root.children) TRY(take_switch(element, block));
  return block;
}

Result<access::Ownership> parse_ownership_controls(std::string_view xml) {
  TRY_ASSIGN(const XmlElement root,
             parse_root(xml, "OwnershipControls", kConfigurationXmlBytesMax, kAccessElementsMax));
  if (root.children.size() != 1 || root.children[0].name != "Rule" ||
      root.children[0].children.size() != 1) {
    return malformed_xml();
  }
  const auto ownership =
      access::parse_ownership(trim(root.children[0].child_text("ObjectOwnership")));
  if (!ownership) return malformed_xml();
  return *ownership;
}

}  // namespace strata::s3
