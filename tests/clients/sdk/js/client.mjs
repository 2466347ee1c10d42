// What users of the AWS SDK for JavaScript v3 do most; see ../README.md.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  CreateBucketCommand, DeleteBucketCommand, DeleteObjectCommand, DeleteObjectsCommand, GetObjectCommand,
  HeadObjectCommand, NoSuchKey, PutObjectCommand, S3Client, paginateListObjectsV2,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const s3 = new S3Client({ forcePathStyle: true });
const Bucket = "sdk-js";

async function codeOf(promise) {
  try {
    await promise;
    return "";
  } catch (error) {
    return error.name;
  }
}

await s3.send(new CreateBucketCommand({ Bucket }));
const put = await s3.send(new PutObjectCommand({
  Bucket, Key: "a b/ü+", Body: "0123456789", ContentType: "text/plain", Metadata: { color: "blue" } }));
const got = await s3.send(new GetObjectCommand({ Bucket, Key: "a b/ü+" }));
assert.equal(await got.Body.transformToString(), "0123456789");
assert.equal(got.ContentType, "text/plain");
assert.deepEqual(got.Metadata, { color: "blue" });
assert.equal(got.ETag, put.ETag);
const part = await s3.send(new GetObjectCommand({ Bucket, Key: "a b/ü+", Range: "bytes=2-4" }));
assert.equal(await part.Body.transformToString(), "234");
await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: "none" })), NoSuchKey);

assert.equal(await codeOf(s3.send(new PutObjectCommand({
  Bucket, Key: "a b/ü+", Body: "x", IfNoneMatch: "*" }))), "PreconditionFailed");
assert.equal(await codeOf(s3.send(new PutObjectCommand({
  Bucket, Key: "a b/ü+", Body: "x", IfMatch: "\"other\"" }))), "PreconditionFailed");
await s3.send(new PutObjectCommand({ Bucket, Key: "a b/ü+", Body: "new", IfMatch: put.ETag }));

for (let i = 0; i < 25; ++i) await s3.send(new PutObjectCommand({ Bucket, Key: `list/${String(i).padStart(3, "0")}`, Body: "x" }));
const keys = [];
for await (const page of paginateListObjectsV2({ client: s3, pageSize: 10 }, { Bucket, Prefix: "list/" })) {
  keys.push(...page.Contents.map((one) => one.Key));
}
assert.equal(keys.length, 25);
assert.deepEqual(keys, [...keys].sort());

const large = randomBytes(12 * 1024 * 1024 + 17);
const upload = new Upload({
  client: s3, params: { Bucket, Key: "large", Body: large }, partSize: 5 * 1024 * 1024, queueSize: 3 });
assert.match((await upload.done()).ETag, /-3"$/);
const back = await s3.send(new GetObjectCommand({ Bucket, Key: "large" }));
assert.ok(Buffer.from(await back.Body.transformToByteArray()).equals(large));
assert.equal((await s3.send(new HeadObjectCommand({ Bucket, Key: "large" }))).ContentLength, large.length);

const getUrl = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "a b/ü+" }), { expiresIn: 60 });
assert.equal(await (await fetch(getUrl)).text(), "new");
const putUrl = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: "by-url" }), { expiresIn: 60 });
assert.equal((await fetch(putUrl, { method: "PUT", body: "by url" })).status, 200);

await s3.send(new DeleteObjectCommand({ Bucket, Key: "by-url" }));
const gone = await s3.send(new DeleteObjectsCommand({
  Bucket, Delete: { Objects: [...keys, "large", "a b/ü+"].map((Key) => ({ Key })) } }));
assert.equal(gone.Deleted.length, 27);
await s3.send(new DeleteBucketCommand({ Bucket }));
console.log("done");
