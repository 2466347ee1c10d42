import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.S3Object;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;
import software.amazon.awssdk.transfer.s3.S3TransferManager;

/** What users of the AWS SDK for Java v2 do most; see ../README.md. */
public final class SdkClient {
  private static final String BUCKET = "sdk-java";
  private static final String KEY = "a b/ü+";

  private static void same(String what, Object got, Object want) {
    if (!Objects.equals(got, want)) {
      throw new AssertionError(what + ": got " + got + ", want " + want);
    }
  }

  private static String codeOf(Runnable action) {
    try {
      action.run();
      return "";
    } catch (S3Exception error) {
      return error.awsErrorDetails().errorCode();
    }
  }

  public static void main(String[] arguments) throws Exception {
    URI endpoint = URI.create(System.getenv("AWS_ENDPOINT_URL"));
    S3Client s3 = S3Client.builder().endpointOverride(endpoint).forcePathStyle(true).build();
    s3.createBucket(b -> b.bucket(BUCKET));

    String etag = s3.putObject(b -> b.bucket(BUCKET).key(KEY).contentType("text/plain")
        .metadata(Map.of("color", "blue")), RequestBody.fromString("0123456789")).eTag();
    var got = s3.getObjectAsBytes(b -> b.bucket(BUCKET).key(KEY));
    same("body", got.asUtf8String(), "0123456789");
    same("type", got.response().contentType(), "text/plain");
    same("metadata", got.response().metadata(), Map.of("color", "blue"));
    same("etag", got.response().eTag(), etag);
    same("range", s3.getObjectAsBytes(b -> b.bucket(BUCKET).key(KEY).range("bytes=2-4")).asUtf8String(), "234");
    try {
      s3.getObjectAsBytes(b -> b.bucket(BUCKET).key("none"));
      throw new AssertionError("what is missing was found");
    } catch (NoSuchKeyException expected) {
      same("missing", expected.statusCode(), 404);
    }

    same("if-none-match", codeOf(() -> s3.putObject(b -> b.bucket(BUCKET).key(KEY).ifNoneMatch("*"),
        RequestBody.fromString("x"))), "PreconditionFailed");
    same("if-match", codeOf(() -> s3.putObject(b -> b.bucket(BUCKET).key(KEY).ifMatch("\"other\""),
        RequestBody.fromString("x"))), "PreconditionFailed");
    s3.putObject(b -> b.bucket(BUCKET).key(KEY).ifMatch(etag), RequestBody.fromString("new"));

    for (int i = 0; i < 25; ++i) {
      String key = String.format("list/%03d", i);
      s3.putObject(b -> b.bucket(BUCKET).key(key), RequestBody.empty());
    }
    List<ObjectIdentifier> keys = new ArrayList<>();
    for (S3Object one : s3.listObjectsV2Paginator(b -> b.bucket(BUCKET).prefix("list/").maxKeys(10)).contents()) {
      keys.add(ObjectIdentifier.builder().key(one.key()).build());
    }
    same("listed", keys.size(), 25);

    byte[] large = new byte[12 * 1024 * 1024 + 17];
    new Random(1).nextBytes(large);
    Path file = Files.createTempFile("strata-sdk", ".bin");
    Path back = Files.createTempFile("strata-sdk", ".back");
    Files.write(file, large);
    try (S3AsyncClient async = S3AsyncClient.builder().endpointOverride(endpoint).forcePathStyle(true)
            .multipartEnabled(true).multipartConfiguration(c -> c.minimumPartSizeInBytes(5L * 1024 * 1024)
            .thresholdInBytes(5L * 1024 * 1024)).build();
        S3TransferManager transfers = S3TransferManager.builder().s3Client(async).build()) {
      String whole = transfers.uploadFile(u -> u.source(file).putObjectRequest(b -> b.bucket(BUCKET).key("large")))
          .completionFuture().get().response().eTag();
      same("parts", whole.endsWith("-3\""), true);
      transfers.downloadFile(d -> d.destination(back).getObjectRequest(b -> b.bucket(BUCKET).key("large")))
          .completionFuture().get();
    }
    same("large", Arrays.equals(Files.readAllBytes(back), large), true);
    Files.delete(file);
    Files.delete(back);
    same("size", s3.headObject(b -> b.bucket(BUCKET).key("large")).contentLength(), (long) large.length);

    try (S3Presigner presigner = S3Presigner.builder().endpointOverride(endpoint)
        .serviceConfiguration(S3Configuration.builder().pathStyleAccessEnabled(true).build()).build()) {
      HttpClient http = HttpClient.newHttpClient();
      var get = presigner.presignGetObject(p -> p.signatureDuration(Duration.ofMinutes(1))
          .getObjectRequest(b -> b.bucket(BUCKET).key(KEY)));
      same("by url", http.send(HttpRequest.newBuilder(get.url().toURI()).build(),
          HttpResponse.BodyHandlers.ofString()).body(), "new");
      var put = presigner.presignPutObject(p -> p.signatureDuration(Duration.ofMinutes(1))
          .putObjectRequest(b -> b.bucket(BUCKET).key("by-url")));
      same("put by url", http.send(HttpRequest.newBuilder(put.url().toURI())
          .PUT(HttpRequest.BodyPublishers.ofString("by url")).build(),
          HttpResponse.BodyHandlers.ofString()).statusCode(), 200);
    }

    for (String key : List.of("large", "by-url", KEY)) {
      s3.deleteObject(b -> b.bucket(BUCKET).key(key));
    }
    same("deleted", s3.deleteObjects(b -> b.bucket(BUCKET).delete(d -> d.objects(keys))).deleted().size(), 25);
    s3.deleteBucket(b -> b.bucket(BUCKET));
    System.out.println("done");
  }
}
