#include "common/http/form_data.h"

#include <gtest/gtest.h>

#include <vector>

namespace strata::http {
namespace {

using EventType = FormDataDecoder::EventType;

struct Field {
  std::string name;
  std::string value;
  std::optional<std::string> filename;
  friend bool operator==(const Field&, const Field&) = default;
};

// The fields, or nothing for a form that does not end well.
std::optional<std::vector<Field>> decode_form(std::string_view form, size_t piece_bytes) {
  FormDataDecoder decoder("XX");
  std::vector<Field> fields;
  for (size_t at = 0; at < form.size(); at += piece_bytes) {
    Bytes input = as_bytes(form.substr(at, piece_bytes));
    for (;;) {
      const auto event = decoder.next(input);
      if (!event.ok()) return std::nullopt;
      if (event->type == EventType::kNeedMore) break;
      if (event->type == EventType::kEnd) return fields;
      if (event->type == EventType::kPart) {
        fields.push_back({decoder.part().name, "", decoder.part().filename});
      }
      if (event->type == EventType::kData) fields.back().value += as_text(event->data);
    }
  }
  return std::nullopt;
}

constexpr std::string_view kForm =
    "--XX\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nuploads/${filename}\r\n"
    "--XX\r\ncontent-disposition: form-data; name=empty\r\n\r\n\r\n"
    "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".txt\"\r\n"
    "Content-Type: text/plain\r\n\r\n"
    "line\r\n--X\r\n-\r\n\r\n--XY--\r\r\n--XX--\r\nepilogue";

TEST(FormData, is_the_same_however_it_is_cut) {
  const std::vector<Field> expected = {{"key", "uploads/${filename}", std::nullopt},
                                       {"empty", "", std::nullopt},
                                       {"file", "line\r\n--X\r\n-\r\n\r\n--XY--\r", "a \"b\".txt"}};
  for (size_t piece = 1; piece <= kForm.size(); ++piece) {
    const auto fields = decode_form(kForm, piece);
    ASSERT_TRUE(fields.has_value()) << piece;
    ASSERT_EQ(*fields, expected) << piece;
  }
}

TEST(FormData, may_begin_with_a_line_end_or_a_short_preamble) {
  EXPECT_TRUE(decode_form("\r\n" + std::string(kForm), 7).has_value());
  EXPECT_TRUE(decode_form("hello\r\n" + std::string(kForm), 7).has_value());
  EXPECT_FALSE(decode_form(std::string(2000, 'x') + "\r\n" + std::string(kForm), 7).has_value());
}

TEST(FormData, that_is_malformed_is_refused) {
  const auto with_head = [](const std::string& head) {
    return decode_form("--XX\r\n" + head + "\r\n\r\nvalue\r\n--XX--\r\n", 1000).has_value();
  };
  EXPECT_TRUE(with_head("Content-Disposition: form-data; name=a"));
  EXPECT_FALSE(with_head("Content-Type: text/plain"));
  EXPECT_FALSE(with_head("Content-Disposition: form-data"));
  EXPECT_FALSE(with_head("Content-Disposition: form-data; name=\"\""));
  EXPECT_FALSE(with_head("Content-Disposition: form-data; name=\"a"));
  EXPECT_FALSE(with_head("Content-Disposition: attachment; name=a"));
  EXPECT_FALSE(with_head("Content-Disposition: form-data; name=a; name=b"));
  EXPECT_FALSE(with_head("Content-Disposition: form-data; name=a\r\nno colon"));
  EXPECT_FALSE(with_head("Content-Disposition: form-data; name=a\nX: y"));
  EXPECT_FALSE(with_head("Content-Disposition: form-data; name=a\r\n "));
  EXPECT_FALSE(
      with_head("Content-Disposition: form-data; name=a\r\n"
                "Content-Transfer-Encoding: base64"));
  EXPECT_FALSE(with_head("Content-Disposition: form-data; name=" + std::string(5000, 'a')));
  EXPECT_FALSE(
      decode_form("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n--XXjunk\r\n", 9)
          .has_value());
  EXPECT_FALSE(
      decode_form("--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nvalue", 9).has_value());
}

TEST(FormData, the_number_of_parts_is_bounded) {
  std::string form;
  for (size_t i = 0; i <= FormDataDecoder::kPartsMax; ++i) {
    form += "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
  }
  EXPECT_FALSE(decode_form(form + "--XX--", 100'000).has_value());
}

TEST(FormData, the_boundary_comes_from_the_content_type) {
  EXPECT_EQ(form_data_boundary("multipart/form-data; boundary=abc").value(), "abc");
  EXPECT_EQ(form_data_boundary("Multipart/Form-Data;charset=utf-8;BOUNDARY=\"a b\"").value(),
            "a b");
  for (const std::string& bad :
       {std::string(), std::string("multipart/form-data"), std::string("text/plain; boundary=a"),
        std::string("multipart/form-data; boundary="),
        std::string("multipart/form-data; boundary=\"a"),
        std::string("multipart/form-data; boundary=\"a \""),
        std::string("multipart/form-data; boundary=a; boundary=b"),
        std::string("multipart/form-data; boundary=\"a\rb\""),
        "multipart/form-data; boundary=" + std::string(71, 'a')}) {
    EXPECT_FALSE(form_data_boundary(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace strata::http
