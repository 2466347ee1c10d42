#include "objstore/s3/operation.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace strata::s3 {

namespace {

using enum Level;
using enum Operation;

constexpr OperationInfo kOperations[] = {
    // The service.
    {"ListBuckets", "GET", kService, "", "", "", "", kListBuckets, "s3:ListAllMyBuckets", ""},
    // A bucket: what is served.
    {"GetBucketLocation", "GET", kBucket, "location", "", "", "", kGetBucketLocation,
     "s3:GetBucketLocation", ""},
    {"GetBucketVersioning", "GET", kBucket, "versioning", "", "", "", kGetBucketVersioning,
     "s3:GetBucketVersioning", ""},
    {"ListMultipartUploads", "GET", kBucket, "uploads", "", "", "", kListMultipartUploads,
     "s3:ListBucketMultipartUploads", ""},
    {"ListObjectsV2", "GET", kBucket, "list-type", "2", "", "", kListObjectsV2, "s3:ListBucket",
     ""},
    {"DeleteObjects", "POST", kBucket, "delete", "", "", "", kDeleteObjects, "s3:DeleteObject", ""},
    // A bucket: configurations that cannot be set, so that the answer to a question is known.
    {"GetBucketPolicy", "GET", kBucket, "policy", "", "", "", kUnsetConfiguration,
     "s3:GetBucketPolicy", "NoSuchBucketPolicy"},
    {"GetBucketTagging", "GET", kBucket, "tagging", "", "", "", kUnsetConfiguration,
     "s3:GetBucketTagging", "NoSuchTagSet"},
    {"GetBucketLifecycleConfiguration", "GET", kBucket, "lifecycle", "", "", "",
     kUnsetConfiguration, "s3:GetLifecycleConfiguration", "NoSuchLifecycleConfiguration"},
    {"GetBucketCors", "GET", kBucket, "cors", "", "", "", kUnsetConfiguration, "s3:GetBucketCORS",
     "NoSuchCORSConfiguration"},
    {"GetBucketWebsite", "GET", kBucket, "website", "", "", "", kUnsetConfiguration,
     "s3:GetBucketWebsite", "NoSuchWebsiteConfiguration"},
    {"GetBucketEncryption", "GET", kBucket, "encryption", "", "", "", kUnsetConfiguration,
     "s3:GetEncryptionConfiguration", "ServerSideEncryptionConfigurationNotFoundError"},
    {"GetBucketReplication", "GET", kBucket, "replication", "", "", "", kUnsetConfiguration,
     "s3:GetReplicationConfiguration", "ReplicationConfigurationNotFoundError"},
    {"GetBucketOwnershipControls", "GET", kBucket, "ownershipControls", "", "", "",
     kUnsetConfiguration, "s3:GetBucketOwnershipControls", "OwnershipControlsNotFoundError"},
    {"GetPublicAccessBlock", "GET", kBucket, "publicAccessBlock", "", "", "", kUnsetConfiguration,
     "s3:GetBucketPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration"},
    {"GetObjectLockConfiguration", "GET", kBucket, "object-lock", "", "", "", kUnsetConfiguration,
     "s3:GetBucketObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"},
    // A bucket: what is not served.
    {"GetBucketAbac", "GET", kBucket, "abac", "", "", "", kNone, "s3:GetBucketAbac", ""},
    {"PutBucketAbac", "PUT", kBucket, "abac", "", "", "", kNone, "s3:PutBucketAbac", ""},
    {"GetBucketAccelerateConfiguration", "GET", kBucket, "accelerate", "", "", "", kNone,
     "s3:GetBucketAccelerateConfiguration", ""},
    {"PutBucketAccelerateConfiguration", "PUT", kBucket, "accelerate", "", "", "", kNone,
     "s3:PutBucketAccelerateConfiguration", ""},
    {"GetBucketAcl", "GET", kBucket, "acl", "", "", "", kNone, "s3:GetBucketAcl", ""},
    {"PutBucketAcl", "PUT", kBucket, "acl", "", "", "", kNone, "s3:PutBucketAcl", ""},
    {"PutBucketCors", "PUT", kBucket, "cors", "", "", "", kNone, "s3:PutBucketCors", ""},
    {"DeleteBucketCors", "DELETE", kBucket, "cors", "", "", "", kNone, "s3:DeleteBucketCors", ""},
    {"PutBucketEncryption", "PUT", kBucket, "encryption", "", "", "", kNone,
     "s3:PutBucketEncryption", ""},
    {"DeleteBucketEncryption", "DELETE", kBucket, "encryption", "", "", "", kNone,
     "s3:DeleteBucketEncryption", ""},
    {"PutBucketLifecycleConfiguration", "PUT", kBucket, "lifecycle", "", "", "", kNone,
     "s3:PutBucketLifecycleConfiguration", ""},
    {"DeleteBucketLifecycle", "DELETE", kBucket, "lifecycle", "", "", "", kNone,
     "s3:DeleteBucketLifecycle", ""},
    {"GetBucketLogging", "GET", kBucket, "logging", "", "", "", kNone, "s3:GetBucketLogging", ""},
    {"PutBucketLogging", "PUT", kBucket, "logging", "", "", "", kNone, "s3:PutBucketLogging", ""},
    {"GetBucketNotificationConfiguration", "GET", kBucket, "notification", "", "", "", kNone,
     "s3:GetBucketNotificationConfiguration", ""},
    {"PutBucketNotificationConfiguration", "PUT", kBucket, "notification", "", "", "", kNone,
     "s3:PutBucketNotificationConfiguration", ""},
    {"PutBucketOwnershipControls", "PUT", kBucket, "ownershipControls", "", "", "", kNone,
     "s3:PutBucketOwnershipControls", ""},
    {"DeleteBucketOwnershipControls", "DELETE", kBucket, "ownershipControls", "", "", "", kNone,
     "s3:DeleteBucketOwnershipControls", ""},
    {"GetBucketPolicyStatus", "GET", kBucket, "policyStatus", "", "", "", kNone,
     "s3:GetBucketPolicyStatus", ""},
    {"PutBucketPolicy", "PUT", kBucket, "policy", "", "", "", kNone, "s3:PutBucketPolicy", ""},
    {"DeleteBucketPolicy", "DELETE", kBucket, "policy", "", "", "", kNone, "s3:DeleteBucketPolicy",
     ""},
    {"PutPublicAccessBlock", "PUT", kBucket, "publicAccessBlock", "", "", "", kNone,
     "s3:PutPublicAccessBlock", ""},
    {"DeletePublicAccessBlock", "DELETE", kBucket, "publicAccessBlock", "", "", "", kNone,
     "s3:DeletePublicAccessBlock", ""},
    {"PutBucketReplication", "PUT", kBucket, "replication", "", "", "", kNone,
     "s3:PutBucketReplication", ""},
    {"DeleteBucketReplication", "DELETE", kBucket, "replication", "", "", "", kNone,
     "s3:DeleteBucketReplication", ""},
    {"GetBucketRequestPayment", "GET", kBucket, "requestPayment", "", "", "", kNone,
     "s3:GetBucketRequestPayment", ""},
    {"PutBucketRequestPayment", "PUT", kBucket, "requestPayment", "", "", "", kNone,
     "s3:PutBucketRequestPayment", ""},
    {"PutBucketTagging", "PUT", kBucket, "tagging", "", "", "", kNone, "s3:PutBucketTagging", ""},
    {"DeleteBucketTagging", "DELETE", kBucket, "tagging", "", "", "", kNone,
     "s3:DeleteBucketTagging", ""},
    {"PutBucketVersioning", "PUT", kBucket, "versioning", "", "", "", kNone,
     "s3:PutBucketVersioning", ""},
    {"PutBucketWebsite", "PUT", kBucket, "website", "", "", "", kNone, "s3:PutBucketWebsite", ""},
    {"DeleteBucketWebsite", "DELETE", kBucket, "website", "", "", "", kNone,
     "s3:DeleteBucketWebsite", ""},
    {"PutObjectLockConfiguration", "PUT", kBucket, "object-lock", "", "", "", kNone,
     "s3:PutObjectLockConfiguration", ""},
    {"ListObjectVersions", "GET", kBucket, "versions", "", "", "", kNone, "s3:ListObjectVersions",
     ""},
    {"CreateSession", "GET", kBucket, "session", "", "", "", kNone, "s3:CreateSession", ""},
    {"CreateBucketMetadataConfiguration", "POST", kBucket, "metadataConfiguration", "", "", "",
     kNone, "s3:CreateBucketMetadataConfiguration", ""},
    {"GetBucketMetadataConfiguration", "GET", kBucket, "metadataConfiguration", "", "", "", kNone,
     "s3:GetBucketMetadataConfiguration", ""},
    {"DeleteBucketMetadataConfiguration", "DELETE", kBucket, "metadataConfiguration", "", "", "",
     kNone, "s3:DeleteBucketMetadataConfiguration", ""},
    {"CreateBucketMetadataTableConfiguration", "POST", kBucket, "metadataTable", "", "", "", kNone,
     "s3:CreateBucketMetadataTableConfiguration", ""},
    {"GetBucketMetadataTableConfiguration", "GET", kBucket, "metadataTable", "", "", "", kNone,
     "s3:GetBucketMetadataTableConfiguration", ""},
    {"DeleteBucketMetadataTableConfiguration", "DELETE", kBucket, "metadataTable", "", "", "",
     kNone, "s3:DeleteBucketMetadataTableConfiguration", ""},
    {"UpdateBucketMetadataInventoryTableConfiguration", "PUT", kBucket, "metadataInventoryTable",
     "", "", "", kNone, "s3:UpdateBucketMetadataInventoryTableConfiguration", ""},
    {"UpdateBucketMetadataJournalTableConfiguration", "PUT", kBucket, "metadataJournalTable", "",
     "", "", kNone, "s3:UpdateBucketMetadataJournalTableConfiguration", ""},
    {"GetBucketAnalyticsConfiguration", "GET", kBucket, "analytics", "", "id", "", kNone,
     "s3:GetBucketAnalyticsConfiguration", ""},
    {"ListBucketAnalyticsConfigurations", "GET", kBucket, "analytics", "", "", "", kNone,
     "s3:ListBucketAnalyticsConfigurations", ""},
    {"PutBucketAnalyticsConfiguration", "PUT", kBucket, "analytics", "", "", "", kNone,
     "s3:PutBucketAnalyticsConfiguration", ""},
    {"DeleteBucketAnalyticsConfiguration", "DELETE", kBucket, "analytics", "", "", "", kNone,
     "s3:DeleteBucketAnalyticsConfiguration", ""},
    {"GetBucketIntelligentTieringConfiguration", "GET", kBucket, "intelligent-tiering", "", "id",
     "", kNone, "s3:GetBucketIntelligentTieringConfiguration", ""},
    {"ListBucketIntelligentTieringConfigurations", "GET", kBucket, "intelligent-tiering", "", "",
     "", kNone, "s3:ListBucketIntelligentTieringConfigurations", ""},
    {"PutBucketIntelligentTieringConfiguration", "PUT", kBucket, "intelligent-tiering", "", "", "",
     kNone, "s3:PutBucketIntelligentTieringConfiguration", ""},
    {"DeleteBucketIntelligentTieringConfiguration", "DELETE", kBucket, "intelligent-tiering", "",
     "", "", kNone, "s3:DeleteBucketIntelligentTieringConfiguration", ""},
    {"GetBucketInventoryConfiguration", "GET", kBucket, "inventory", "", "id", "", kNone,
     "s3:GetBucketInventoryConfiguration", ""},
    {"ListBucketInventoryConfigurations", "GET", kBucket, "inventory", "", "", "", kNone,
     "s3:ListBucketInventoryConfigurations", ""},
    {"PutBucketInventoryConfiguration", "PUT", kBucket, "inventory", "", "", "", kNone,
     "s3:PutBucketInventoryConfiguration", ""},
    {"DeleteBucketInventoryConfiguration", "DELETE", kBucket, "inventory", "", "", "", kNone,
     "s3:DeleteBucketInventoryConfiguration", ""},
    {"GetBucketMetricsConfiguration", "GET", kBucket, "metrics", "", "id", "", kNone,
     "s3:GetBucketMetricsConfiguration", ""},
    {"ListBucketMetricsConfigurations", "GET", kBucket, "metrics", "", "", "", kNone,
     "s3:ListBucketMetricsConfigurations", ""},
    {"PutBucketMetricsConfiguration", "PUT", kBucket, "metrics", "", "", "", kNone,
     "s3:PutBucketMetricsConfiguration", ""},
    {"DeleteBucketMetricsConfiguration", "DELETE", kBucket, "metrics", "", "", "", kNone,
     "s3:DeleteBucketMetricsConfiguration", ""},
    {"WriteGetObjectResponse", "POST", kBucket, "", "", "", "x-amz-request-route", kNone,
     "s3-object-lambda:WriteGetObjectResponse", ""},
    // A bucket: requests without a subresource.
    {"ListObjects", "GET", kBucket, "", "", "", "", kListObjects, "s3:ListBucket", ""},
    {"HeadBucket", "HEAD", kBucket, "", "", "", "", kHeadBucket, "s3:ListBucket", ""},
    {"CreateBucket", "PUT", kBucket, "", "", "", "", kCreateBucket, "s3:CreateBucket", ""},
    {"DeleteBucket", "DELETE", kBucket, "", "", "", "", kDeleteBucket, "s3:DeleteBucket", ""},
    {"PostObject", "POST", kBucket, "", "", "", "", kNone, "s3:PutObject", ""},
    // An object: multipart uploads.
    {"CreateMultipartUpload", "POST", kObject, "uploads", "", "", "", kCreateMultipartUpload,
     "s3:PutObject", ""},
    {"UploadPartCopy", "PUT", kObject, "uploadId", "", "partNumber", "x-amz-copy-source", kNone,
     "s3:PutObject", ""},
    {"UploadPart", "PUT", kObject, "uploadId", "", "partNumber", "", kUploadPart, "s3:PutObject",
     ""},
    {"ListParts", "GET", kObject, "uploadId", "", "", "", kListParts, "s3:ListMultipartUploadParts",
     ""},
    {"CompleteMultipartUpload", "POST", kObject, "uploadId", "", "", "", kCompleteMultipartUpload,
     "s3:PutObject", ""},
    {"AbortMultipartUpload", "DELETE", kObject, "uploadId", "", "", "", kAbortMultipartUpload,
     "s3:AbortMultipartUpload", ""},
    // An object: what is not served.
    {"GetObjectAcl", "GET", kObject, "acl", "", "", "", kNone, "s3:GetObjectAcl", ""},
    {"PutObjectAcl", "PUT", kObject, "acl", "", "", "", kNone, "s3:PutObjectAcl", ""},
    {"GetObjectAttributes", "GET", kObject, "attributes", "", "", "", kNone,
     "s3:GetObjectAttributes", ""},
    {"GetObjectLegalHold", "GET", kObject, "legal-hold", "", "", "", kNone, "s3:GetObjectLegalHold",
     ""},
    {"PutObjectLegalHold", "PUT", kObject, "legal-hold", "", "", "", kNone, "s3:PutObjectLegalHold",
     ""},
    {"GetObjectRetention", "GET", kObject, "retention", "", "", "", kNone, "s3:GetObjectRetention",
     ""},
    {"PutObjectRetention", "PUT", kObject, "retention", "", "", "", kNone, "s3:PutObjectRetention",
     ""},
    {"GetObjectTagging", "GET", kObject, "tagging", "", "", "", kNone, "s3:GetObjectTagging", ""},
    {"PutObjectTagging", "PUT", kObject, "tagging", "", "", "", kNone, "s3:PutObjectTagging", ""},
    {"DeleteObjectTagging", "DELETE", kObject, "tagging", "", "", "", kNone,
     "s3:DeleteObjectTagging", ""},
    {"GetObjectTorrent", "GET", kObject, "torrent", "", "", "", kNone, "s3:GetObjectTorrent", ""},
    {"RenameObject", "PUT", kObject, "renameObject", "", "", "", kNone, "s3:RenameObject", ""},
    {"RestoreObject", "POST", kObject, "restore", "", "", "", kNone, "s3:RestoreObject", ""},
    {"SelectObjectContent", "POST", kObject, "select", "", "", "", kNone, "s3:SelectObjectContent",
     ""},
    {"UpdateObjectEncryption", "PUT", kObject, "encryption", "", "", "", kNone,
     "s3:UpdateObjectEncryption", ""},
    // An object: requests without a subresource.
    {"CopyObject", "PUT", kObject, "", "", "", "x-amz-copy-source", kCopyObject, "s3:PutObject",
     ""},
    {"PutObject", "PUT", kObject, "", "", "", "", kPutObject, "s3:PutObject", ""},
    {"GetObject", "GET", kObject, "", "", "", "", kGetObject, "s3:GetObject", ""},
    {"HeadObject", "HEAD", kObject, "", "", "", "", kHeadObject, "s3:GetObject", ""},
    {"DeleteObject", "DELETE", kObject, "", "", "", "", kDeleteObject, "s3:DeleteObject", ""},
};

// The query names that select an operation, sorted: every parameter of every request is looked for.
struct Selectors {
  std::array<std::string_view, std::size(kOperations)> names;
  ptrdiff_t count = 0;
};

constexpr Selectors collect_selectors() {
  Selectors found;
  const auto begin = found.names.begin();
  auto end = begin;
  for (const OperationInfo& row : kOperations) {
    if (!row.selector.empty() && std::find(begin, end, row.selector) == end) *end++ = row.selector;
  }
  std::sort(begin, end);
  found.count = end - begin;
  return found;
}

constexpr Selectors kSelectors = collect_selectors();

}  // namespace

std::span<const OperationInfo> operations() noexcept {
  return kOperations;
}

bool is_selector(std::string_view query_name) noexcept {
  return std::binary_search(kSelectors.names.begin(), kSelectors.names.begin() + kSelectors.count,
                            query_name);
}

}  // namespace strata::s3
