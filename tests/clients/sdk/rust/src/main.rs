//! What users of the AWS SDK for Rust do most; see ../README.md.
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier};
use aws_sdk_s3::Client;
use std::time::Duration;

type Failure = Box<dyn std::error::Error>;

const BUCKET: &str = "sdk-rust";
const KEY: &str = "a b/ü+";

async fn read(client: &Client, key: &str) -> Result<Vec<u8>, Failure> {
    let got = client.get_object().bucket(BUCKET).key(key).send().await?;
    Ok(got.body.collect().await?.to_vec())
}

async fn upload_in_parts(client: &Client, key: &str, bytes: &[u8]) -> Result<String, Failure> {
    let begun = client.create_multipart_upload().bucket(BUCKET).key(key).send().await?;
    let id = begun.upload_id().ok_or("no upload id")?;
    let mut parts = Vec::new();
    for (index, chunk) in bytes.chunks(5 << 20).enumerate() {
        let number = index as i32 + 1;
        let part = client.upload_part().bucket(BUCKET).key(key).upload_id(id).part_number(number)
            .body(ByteStream::from(chunk.to_vec())).send().await?;
        parts.push(CompletedPart::builder().part_number(number).set_e_tag(part.e_tag().map(str::to_string))
            .set_checksum_crc32(part.checksum_crc32().map(str::to_string)).build());
    }
    let done = client.complete_multipart_upload().bucket(BUCKET).key(key).upload_id(id)
        .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build()).send().await?;
    Ok(done.e_tag().unwrap_or_default().to_string())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let shared = aws_config::defaults(aws_config::BehaviorVersion::latest()).http_client(http).load().await;
    let client = Client::from_conf(aws_sdk_s3::config::Builder::from(&shared).force_path_style(true).build());
    client.create_bucket().bucket(BUCKET).send().await?;

    let put = client.put_object().bucket(BUCKET).key(KEY).content_type("text/plain").metadata("color", "blue")
        .body(ByteStream::from_static(b"0123456789")).send().await?;
    let got = client.get_object().bucket(BUCKET).key(KEY).send().await?;
    assert_eq!(got.content_type(), Some("text/plain"));
    assert_eq!(got.metadata().and_then(|all| all.get("color")).map(String::as_str), Some("blue"));
    assert_eq!(got.e_tag(), put.e_tag());
    assert_eq!(got.body.collect().await?.to_vec(), b"0123456789");
    let part = client.get_object().bucket(BUCKET).key(KEY).range("bytes=2-4").send().await?;
    assert_eq!(part.body.collect().await?.to_vec(), b"234");
    let missing = client.get_object().bucket(BUCKET).key("none").send().await.err().ok_or("found")?;
    assert!(missing.into_service_error().is_no_such_key());

    let taken = client.put_object().bucket(BUCKET).key(KEY).if_none_match("*").send().await;
    assert_eq!(taken.err().and_then(|e| e.code().map(str::to_string)).as_deref(), Some("PreconditionFailed"));
    let other = client.put_object().bucket(BUCKET).key(KEY).if_match("\"other\"").send().await;
    assert_eq!(other.err().and_then(|e| e.code().map(str::to_string)).as_deref(), Some("PreconditionFailed"));
    client.put_object().bucket(BUCKET).key(KEY).set_if_match(put.e_tag().map(str::to_string))
        .body(ByteStream::from_static(b"new")).send().await?;
    assert_eq!(read(&client, KEY).await?, b"new");

    for i in 0..25 {
        client.put_object().bucket(BUCKET).key(format!("list/{i:03}")).send().await?;
    }
    let mut keys = Vec::new();
    let mut pages = client.list_objects_v2().bucket(BUCKET).prefix("list/").max_keys(10).into_paginator().send();
    while let Some(page) = pages.next().await {
        for one in page?.contents() {
            keys.push(ObjectIdentifier::builder().key(one.key().unwrap_or_default()).build()?);
        }
    }
    assert_eq!(keys.len(), 25);

    let large: Vec<u8> = (0..(12usize << 20) + 17).map(|i| (i * 31 >> 7) as u8).collect();
    assert!(upload_in_parts(&client, "large", &large).await?.ends_with("-3\""));
    assert!(read(&client, "large").await? == large);
    let head = client.head_object().bucket(BUCKET).key("large").send().await?;
    assert_eq!(head.content_length(), Some(large.len() as i64));

    let minute = PresigningConfig::expires_in(Duration::from_secs(60))?;
    let url = client.get_object().bucket(BUCKET).key(KEY).presigned(minute).await?;
    let fetched = std::process::Command::new("curl").args(["-sf", url.uri()]).output()?;
    assert_eq!(fetched.stdout, b"new");

    for key in ["large", KEY] {
        client.delete_object().bucket(BUCKET).key(key).send().await?;
    }
    let gone = client.delete_objects().bucket(BUCKET)
        .delete(Delete::builder().set_objects(Some(keys)).build()?).send().await?;
    assert_eq!(gone.deleted().len(), 25);
    client.delete_bucket().bucket(BUCKET).send().await?;
    println!("done");
    Ok(())
}
