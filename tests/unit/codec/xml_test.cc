#include "common/codec/xml.h"

#include <gtest/gtest.h>

namespace strata::codec {
namespace {

TEST(ParseXml, gives_local_names_and_joined_text) {
  const auto root = parse_xml(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- c -->"
      "<s3:Delete xmlns:s3=\"http://s3.amazonaws.com/doc/2006-03-01/\">\r\n"
      "  <s3:Object a='1>2'><Key>a &amp; <![CDATA[<b>]]>&#x63;&#10;</Key></s3:Object>\n"
      "  <Object><Key> spaced </Key><VersionId/></Object>\n"
      "  <Quiet>true</Quiet>\n</s3:Delete>\n");
  ASSERT_TRUE(root.ok()) << root.error().to_string();
  EXPECT_EQ(root->name, "Delete");
  ASSERT_EQ(root->children.size(), 3u);
  EXPECT_EQ(root->children[0].child_text("Key"), "a & <b>c\n");
  EXPECT_EQ(root->children[1].child_text("Key"), " spaced ");
  EXPECT_EQ(root->children[1].child_text("VersionId"), "");
  EXPECT_EQ(root->child_text("Quiet"), "true");
  EXPECT_EQ(root->child("Absent"), nullptr);
  EXPECT_EQ(root->text, "");
}

TEST(ParseXml, an_element_of_white_space_alone_keeps_it) {
  EXPECT_EQ(parse_xml("<a> </a>")->text, " ");
}

TEST(ParseXml, what_is_not_well_formed_is_refused) {
  for (const std::string_view bad : {"",
                                     "   ",
                                     "text",
                                     "<a>",
                                     "<a></b>",
                                     "</a>",
                                     "<a/><b/>",
                                     "<a/>tail",
                                     "head<a/>",
                                     "<a",
                                     "<a b=c/>",
                                     "<a b='x/>",
                                     "<a><b></a></b>",
                                     "<a>&nbsp;</a>",
                                     "<a>&</a>",
                                     "<a>&amp</a>",
                                     "<a>&#0;</a>",
                                     "<a>&#xD800;</a>",
                                     "<a>&#x110000;</a>",
                                     "<a>&#;</a>",
                                     "<a>&#x;</a>",
                                     "<a b='&x;'/>",
                                     "<a>]]></a>",
                                     "<a><!-- -- --></a>",
                                     "<a><!-- </a>",
                                     "<a><![CDATA[</a>",
                                     "<a>\x01</a>",
                                     "<a>\xff</a>",
                                     "<a>\xef\xbf\xbf</a>",
                                     "<![CDATA[x]]><a/>",
                                     "<>",
                                     "<a b='<'/>",
                                     "<?xml"}) {
    const auto result = parse_xml(bad);
    ASSERT_FALSE(result.ok()) << bad;
    EXPECT_EQ(result.error().code, Code::kInvalidArgument);
  }
}

TEST(ParseXml, declarations_that_define_anything_are_refused) {
  for (const char* bad :
       {"<!DOCTYPE a><a/>", "<!DOCTYPE a/><a/>", "<!doctype a><a/>", "<a><!DOCTYPE a></a>",
        "<!ENTITY x 'y'><a/>", "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
        "<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol 'lol'>]><lolz>&lol;</lolz>"}) {
    EXPECT_FALSE(parse_xml(bad).ok()) << bad;
  }
}

TEST(ParseXml, limits_hold_at_their_edges) {
  const auto nested = [](size_t depth) {
    std::string text;
    for (size_t i = 0; i < depth; ++i) text += "<a>";
    for (size_t i = 0; i < depth; ++i) text += "</a>";
    return text;
  };
  EXPECT_TRUE(parse_xml(nested(16)).ok());
  EXPECT_FALSE(parse_xml(nested(17)).ok());
  EXPECT_FALSE(parse_xml("<a><a><a/></a></a>", {.depth_max = 2}).ok());
  EXPECT_TRUE(parse_xml("<a><b/><c/></a>", {.elements_max = 3}).ok());
  EXPECT_FALSE(parse_xml("<a><b/><c/></a>", {.elements_max = 2}).ok());
  EXPECT_TRUE(parse_xml("<a/>", {.bytes_max = 4}).ok());
  EXPECT_FALSE(parse_xml("<a/> ", {.bytes_max = 4}).ok());
}

TEST(ParseXml, a_million_open_tags_neither_overflow_the_stack_nor_pass) {
  std::string text;
  for (int i = 0; i < 500'000; ++i) text += "<a>";
  EXPECT_FALSE(parse_xml(text).ok());
  const size_t no_limit = 1'000'000;
  EXPECT_FALSE(parse_xml(text, {.depth_max = no_limit, .elements_max = no_limit}).ok());
}

TEST(XmlWriter, builds_a_document) {
  XmlWriter writer("List", "http://s3.amazonaws.com/doc/2006-03-01/");
  writer.element("Name", "b").open("Owner").attribute("kind", "a\"<\n").element("Id", uint64_t{7});
  writer.close().element("More", false);
  EXPECT_EQ(writer.finish(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<List xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>"
            "<Owner kind=\"a&quot;&lt;&#10;\"><Id>7</Id></Owner><More>false</More></List>");
}

TEST(XmlWriter, every_text_comes_back_as_it_was_or_with_replacement_characters) {
  const auto round_trip = [](std::string_view text) {
    XmlWriter writer("a", "");
    writer.element("b", text);
    const auto root = parse_xml(writer.finish());
    return root.ok() ? std::string(root->child_text("b")) : root.error().to_string();
  };
  for (const std::string_view text :
       {"<>&\"'", "a\r\nb\tc", "\r", " ", "]]>", "\xc3\xbc\xf0\x9f\x98\x80"}) {
    EXPECT_EQ(round_trip(text), text);
  }
  EXPECT_EQ(round_trip(std::string_view("a\0b\x1f", 4)),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd");
  EXPECT_EQ(round_trip("\xc3"), "\xef\xbf\xbd");
  EXPECT_EQ(round_trip("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(round_trip("\xef\xbf\xbf"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

}  // namespace
}  // namespace strata::codec
