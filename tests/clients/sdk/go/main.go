// What users of the AWS SDK for Go v2 do most; see ../README.md.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func same[T comparable](what string, got, want T) {
	if got != want {
		log.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func read(body io.ReadCloser) []byte {
	defer body.Close()
	return must(io.ReadAll(body))
}

func main() {
	ctx := context.Background()
	client := s3.NewFromConfig(must(config.LoadDefaultConfig(ctx)), func(o *s3.Options) { o.UsePathStyle = true })
	bucket, key := aws.String("sdk-go"), aws.String("a b/ü+")
	must(client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}))

	put := must(client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key,
		Body: strings.NewReader("0123456789"), ContentType: aws.String("text/plain"),
		Metadata: map[string]string{"color": "blue"}}))
	got := must(client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key}))
	same("body", string(read(got.Body)), "0123456789")
	same("type", *got.ContentType, "text/plain")
	same("metadata", got.Metadata["color"], "blue")
	same("etag", *got.ETag, *put.ETag)
	part := must(client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, Range: aws.String("bytes=2-4")}))
	same("range", string(read(part.Body)), "234")
	_, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("none")})
	var missing *types.NoSuchKey
	same("missing", errors.As(err, &missing), true)

	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("x"),
		IfNoneMatch: aws.String("*")})
	same("if-none-match", codeOf(err), "PreconditionFailed")
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("x"),
		IfMatch: aws.String("\"other\"")})
	same("if-match", codeOf(err), "PreconditionFailed")
	must(client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("new"),
		IfMatch: put.ETag}))

	for i := 0; i < 25; i++ {
		must(client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String(fmt.Sprintf("list/%03d", i)),
			Body: strings.NewReader("")}))
	}
	var ids []types.ObjectIdentifier
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("list/"),
		MaxKeys: aws.Int32(10)})
	for pages.HasMorePages() {
		for _, one := range must(pages.NextPage(ctx)).Contents {
			ids = append(ids, types.ObjectIdentifier{Key: one.Key})
		}
	}
	same("listed", len(ids), 25)

	large := make([]byte, 12<<20+17)
	must(rand.Read(large))
	uploader := manager.NewUploader(client, func(u *manager.Uploader) { u.PartSize = 5 << 20 })
	done := must(uploader.Upload(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("large"),
		Body: bytes.NewReader(large)}))
	same("parts", strings.HasSuffix(*done.ETag, "-3\""), true)
	back := manager.NewWriteAtBuffer(nil)
	must(manager.NewDownloader(client).Download(ctx, back, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("large")}))
	same("large", bytes.Equal(back.Bytes(), large), true)
	head := must(client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("large")}))
	same("size", *head.ContentLength, int64(len(large)))

	presign := s3.NewPresignClient(client)
	get := must(presign.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key}))
	same("by url", string(read(must(http.Get(get.URL)).Body)), "new")
	toPut := must(presign.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("by-url")}))
	request := must(http.NewRequest(http.MethodPut, toPut.URL, strings.NewReader("by url")))
	same("put by url", must(http.DefaultClient.Do(request)).StatusCode, 200)

	for _, name := range []string{"large", "by-url", *key} {
		must(client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String(name)}))
	}
	gone := must(client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: ids}}))
	same("deleted", len(gone.Deleted), 25)
	must(client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket}))
	fmt.Println("done")
}
