#include "objstore/s3/operation.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "objstore/s3/operations.h"

namespace strata::s3 {

namespace {

using enum Level;

constexpr OperationInfo kOperations[] = {
    // The service.
    {"ListBuckets", "GET", kService, "", "", "", "", list_buckets, "s3:ListAllMyBuckets", ""},
    // A bucket: what is served.
    {"GetBucketLocation", "GET", kBucket, "location", "", "", "", get_bucket_location,
     "s3:GetBucketLocation", ""},
    {"GetBucketVersioning", "GET", kBucket, "versioning", "", "", "", get_bucket_versioning,
     "s3:GetBucketVersioning", ""},
    {"ListMultipartUploads", "GET", kBucket, "uploads", "", "", "", list_multipart_uploads,
     "s3:ListBucketMultipartUploads", ""},
    {"ListObjectsV2", "GET", kBucket, "list-type", "2", "", "", list_objects_v2, "s3:ListBucket",
     ""},
    {"DeleteObjects", "POST", kBucket, "delete", "", "", "", delete_objects, "s3:DeleteObject", ""},
    // A bucket: configurations that cannot be set, so that the answer to a question is known.
    {"GetBucketPolicy", "GET", kBucket, "policy", "", "", "", get_bucket_policy,
     "s3:GetBucketPolicy", ""},
    {"GetBucketTagging", "GET", kBucket, "tagging", "", "", "", get_bucket_tagging,
     "s3:GetBucketTagging", ""},
    {"GetBucketLifecycleConfiguration", "GET", kBucket, "lifecycle", "", "", "",
     get_bucket_lifecycle, "s3:GetLifecycleConfiguration", "NoSuchLifecycleConfiguration"},
    {"GetBucketCors", "GET", kBucket, "cors", "", "", "", get_bucket_cors, "s3:GetBucketCORS",
     "NoSuchCORSConfiguration"},
    {"GetBucketWebsite", "GET", kBucket, "website", "", "", "", get_bucket_website,
     "s3:GetBucketWebsite", "NoSuchWebsiteConfiguration"},
    {"GetBucketEncryption", "GET", kBucket, "encryption", "", "", "", get_bucket_encryption,
     "s3:GetEncryptionConfiguration", "ServerSideEncryptionConfigurationNotFoundError"},
    {"GetBucketReplication", "GET", kBucket, "replication", "", "", "", unset_configuration,
     "s3:GetReplicationConfiguration", "ReplicationConfigurationNotFoundError"},
    {"GetBucketOwnershipControls", "GET", kBucket, "ownershipControls", "", "", "",
     get_bucket_ownership_controls, "s3:GetBucketOwnershipControls", ""},
    {"GetPublicAccessBlock", "GET", kBucket, "publicAccessBlock", "", "", "",
     get_public_access_block, "s3:GetBucketPublicAccessBlock", ""},
    {"GetObjectLockConfiguration", "GET", kBucket, "object-lock", "", "", "",
     get_object_lock_configuration, "s3:GetBucketObjectLockConfiguration", ""},
    // A bucket: what is not served.
    {"GetBucketAbac", "GET", kBucket, "abac", "", "", "", get_bucket_abac, "s3:GetBucketAbac", ""},
    {"PutBucketAbac", "PUT", kBucket, "abac", "", "", "", nullptr, "s3:PutBucketAbac", ""},
    {"GetBucketAccelerateConfiguration", "GET", kBucket, "accelerate", "", "", "",
     get_bucket_accelerate, "s3:GetAccelerateConfiguration", ""},
    {"PutBucketAccelerateConfiguration", "PUT", kBucket, "accelerate", "", "", "", nullptr,
     "s3:PutAccelerateConfiguration", ""},
    {"GetBucketAcl", "GET", kBucket, "acl", "", "", "", get_bucket_acl, "s3:GetBucketAcl", ""},
    {"PutBucketAcl", "PUT", kBucket, "acl", "", "", "", put_bucket_acl, "s3:PutBucketAcl", ""},
    {"PutBucketCors", "PUT", kBucket, "cors", "", "", "", put_bucket_cors, "s3:PutBucketCORS", ""},
    {"DeleteBucketCors", "DELETE", kBucket, "cors", "", "", "", delete_bucket_cors,
     "s3:PutBucketCORS", ""},
    {"PutBucketEncryption", "PUT", kBucket, "encryption", "", "", "", put_bucket_encryption,
     "s3:PutEncryptionConfiguration", ""},
    {"DeleteBucketEncryption", "DELETE", kBucket, "encryption", "", "", "",
     delete_bucket_encryption, "s3:PutEncryptionConfiguration", ""},
    {"PutBucketLifecycleConfiguration", "PUT", kBucket, "lifecycle", "", "", "",
     put_bucket_lifecycle, "s3:PutLifecycleConfiguration", ""},
    {"DeleteBucketLifecycle", "DELETE", kBucket, "lifecycle", "", "", "", delete_bucket_lifecycle,
     "s3:PutLifecycleConfiguration", ""},
    {"GetBucketLogging", "GET", kBucket, "logging", "", "", "", get_bucket_logging,
     "s3:GetBucketLogging", ""},
    {"PutBucketLogging", "PUT", kBucket, "logging", "", "", "", put_bucket_logging,
     "s3:PutBucketLogging", ""},
    {"GetBucketNotificationConfiguration", "GET", kBucket, "notification", "", "", "",
     get_bucket_notification, "s3:GetBucketNotification", ""},
    {"PutBucketNotificationConfiguration", "PUT", kBucket, "notification", "", "", "",
     put_bucket_notification, "s3:PutBucketNotification", ""},
    {"PutBucketOwnershipControls", "PUT", kBucket, "ownershipControls", "", "", "",
     put_bucket_ownership_controls, "s3:PutBucketOwnershipControls", ""},
    {"DeleteBucketOwnershipControls", "DELETE", kBucket, "ownershipControls", "", "", "",
     delete_bucket_ownership_controls, "s3:PutBucketOwnershipControls", ""},
    {"GetBucketPolicyStatus", "GET", kBucket, "policyStatus", "", "", "", get_bucket_policy_status,
     "s3:GetBucketPolicyStatus", ""},
    {"PutBucketPolicy", "PUT", kBucket, "policy", "", "", "", put_bucket_policy,
     "s3:PutBucketPolicy", ""},
    {"DeleteBucketPolicy", "DELETE", kBucket, "policy", "", "", "", delete_bucket_policy,
     "s3:DeleteBucketPolicy", ""},
    {"PutPublicAccessBlock", "PUT", kBucket, "publicAccessBlock", "", "", "",
     put_public_access_block, "s3:PutBucketPublicAccessBlock", ""},
    {"DeletePublicAccessBlock", "DELETE", kBucket, "publicAccessBlock", "", "", "",
     delete_public_access_block, "s3:PutBucketPublicAccessBlock", ""},
    {"PutBucketReplication", "PUT", kBucket, "replication", "", "", "", nullptr,
     "s3:PutReplicationConfiguration", ""},
    {"DeleteBucketReplication", "DELETE", kBucket, "replication", "", "", "",
     delete_bucket_replication, "s3:PutReplicationConfiguration", ""},
    {"GetBucketRequestPayment", "GET", kBucket, "requestPayment", "", "", "",
     get_bucket_request_payment, "s3:GetBucketRequestPayment", ""},
    {"PutBucketRequestPayment", "PUT", kBucket, "requestPayment", "", "", "",
     put_bucket_request_payment, "s3:PutBucketRequestPayment", ""},
    {"PutBucketTagging", "PUT", kBucket, "tagging", "", "", "", put_bucket_tagging,
     "s3:PutBucketTagging", ""},
    {"DeleteBucketTagging", "DELETE", kBucket, "tagging", "", "", "", delete_bucket_tagging,
     "s3:PutBucketTagging", ""},
    {"PutBucketVersioning", "PUT", kBucket, "versioning", "", "", "", put_bucket_versioning,
     "s3:PutBucketVersioning", ""},
    {"PutBucketWebsite", "PUT", kBucket, "website", "", "", "", put_bucket_website,
     "s3:PutBucketWebsite", ""},
    {"DeleteBucketWebsite", "DELETE", kBucket, "website", "", "", "", delete_bucket_website,
     "s3:DeleteBucketWebsite", ""},
    {"PutObjectLockConfiguration", "PUT", kBucket, "object-lock", "", "", "",
     put_object_lock_configuration, "s3:PutBucketObjectLockConfiguration", ""},
    {"ListObjectVersions", "GET", kBucket, "versions", "", "", "", list_object_versions,
     "s3:ListBucketVersions", ""},
    {"CreateSession", "GET", kBucket, "session", "", "", "", nullptr, "s3:CreateSession", ""},
    {"CreateBucketMetadataConfiguration", "POST", kBucket, "metadataConfiguration", "", "", "",
     nullptr, "s3:CreateBucketMetadataConfiguration", ""},
    {"GetBucketMetadataConfiguration", "GET", kBucket, "metadataConfiguration", "", "", "", nullptr,
     "s3:GetBucketMetadataConfiguration", ""},
    {"DeleteBucketMetadataConfiguration", "DELETE", kBucket, "metadataConfiguration", "", "", "",
     nullptr, "s3:DeleteBucketMetadataConfiguration", ""},
    {"CreateBucketMetadataTableConfiguration", "POST", kBucket, "metadataTable", "", "", "",
     nullptr, "s3:CreateBucketMetadataTableConfiguration", ""},
    {"GetBucketMetadataTableConfiguration", "GET", kBucket, "metadataTable", "", "", "", nullptr,
     "s3:GetBucketMetadataTableConfiguration", ""},
    {"DeleteBucketMetadataTableConfiguration", "DELETE", kBucket, "metadataTable", "", "", "",
     nullptr, "s3:DeleteBucketMetadataTableConfiguration", ""},
    {"UpdateBucketMetadataInventoryTableConfiguration", "PUT", kBucket, "metadataInventoryTable",
     "", "", "", nullptr, "s3:UpdateBucketMetadataInventoryTableConfiguration", ""},
    {"UpdateBucketMetadataJournalTableConfiguration", "PUT", kBucket, "metadataJournalTable", "",
     "", "", nullptr, "s3:UpdateBucketMetadataJournalTableConfiguration", ""},
    {"GetBucketAnalyticsConfiguration", "GET", kBucket, "analytics", "", "id", "",
     unset_configuration, "s3:GetBucketAnalyticsConfiguration", "NoSuchConfiguration"},
    {"ListBucketAnalyticsConfigurations", "GET", kBucket, "analytics", "", "", "",
     list_no_configurations, "s3:ListBucketAnalyticsConfigurations", ""},
    {"PutBucketAnalyticsConfiguration", "PUT", kBucket, "analytics", "", "", "", nullptr,
     "s3:PutBucketAnalyticsConfiguration", ""},
    {"DeleteBucketAnalyticsConfiguration", "DELETE", kBucket, "analytics", "", "", "",
     unset_configuration, "s3:DeleteBucketAnalyticsConfiguration", "NoSuchConfiguration"},
    {"GetBucketIntelligentTieringConfiguration", "GET", kBucket, "intelligent-tiering", "", "id",
     "", unset_configuration, "s3:GetBucketIntelligentTieringConfiguration", "NoSuchConfiguration"},
    {"ListBucketIntelligentTieringConfigurations", "GET", kBucket, "intelligent-tiering", "", "",
     "", list_no_configurations, "s3:ListBucketIntelligentTieringConfigurations", ""},
    {"PutBucketIntelligentTieringConfiguration", "PUT", kBucket, "intelligent-tiering", "", "", "",
     nullptr, "s3:PutBucketIntelligentTieringConfiguration", ""},
    {"DeleteBucketIntelligentTieringConfiguration", "DELETE", kBucket, "intelligent-tiering", "",
     "", "", unset_configuration, "s3:DeleteBucketIntelligentTieringConfiguration",
     "NoSuchConfiguration"},
    {"GetBucketInventoryConfiguration", "GET", kBucket, "inventory", "", "id", "",
     unset_configuration, "s3:GetBucketInventoryConfiguration", "NoSuchConfiguration"},
    {"ListBucketInventoryConfigurations", "GET", kBucket, "inventory", "", "", "",
     list_no_configurations, "s3:ListBucketInventoryConfigurations", ""},
    {"PutBucketInventoryConfiguration", "PUT", kBucket, "inventory", "", "", "", nullptr,
     "s3:PutBucketInventoryConfiguration", ""},
    {"DeleteBucketInventoryConfiguration", "DELETE", kBucket, "inventory", "", "", "",
     unset_configuration, "s3:DeleteBucketInventoryConfiguration", "NoSuchConfiguration"},
    {"GetBucketMetricsConfiguration", "GET", kBucket, "metrics", "", "id", "", unset_configuration,
     "s3:GetBucketMetricsConfiguration", "NoSuchConfiguration"},
    {"ListBucketMetricsConfigurations", "GET", kBucket, "metrics", "", "", "",
     list_no_configurations, "s3:ListBucketMetricsConfigurations", ""},
    {"PutBucketMetricsConfiguration", "PUT", kBucket, "metrics", "", "", "", nullptr,
     "s3:PutBucketMetricsConfiguration", ""},
    {"DeleteBucketMetricsConfiguration", "DELETE", kBucket, "metrics", "", "", "",
     unset_configuration, "s3:DeleteBucketMetricsConfiguration", "NoSuchConfiguration"},
    {"WriteGetObjectResponse", "POST", kBucket, "", "", "", "x-amz-request-route", nullptr,
     "s3-object-lambda:WriteGetObjectResponse", ""},
    // A bucket: requests without a subresource.
    {"ListObjects", "GET", kBucket, "", "", "", "", list_objects, "s3:ListBucket", ""},
    {"HeadBucket", "HEAD", kBucket, "", "", "", "", head_bucket, "s3:ListBucket", ""},
    {"CreateBucket", "PUT", kBucket, "", "", "", "", create_bucket, "s3:CreateBucket", ""},
    {"DeleteBucket", "DELETE", kBucket, "", "", "", "", delete_bucket, "s3:DeleteBucket", ""},
    {"PostObject", "POST", kBucket, "", "", "", "", post_object, "s3:PutObject", ""},
    // An object: multipart uploads.
    {"CreateMultipartUpload", "POST", kObject, "uploads", "", "", "", create_multipart_upload,
     "s3:PutObject", ""},
    {"UploadPartCopy", "PUT", kObject, "uploadId", "", "partNumber", "x-amz-copy-source",
     upload_part_copy, "s3:PutObject", ""},
    {"UploadPart", "PUT", kObject, "uploadId", "", "partNumber", "", upload_part, "s3:PutObject",
     ""},
    {"ListParts", "GET", kObject, "uploadId", "", "", "", list_parts, "s3:ListMultipartUploadParts",
     ""},
    {"CompleteMultipartUpload", "POST", kObject, "uploadId", "", "", "", complete_multipart_upload,
     "s3:PutObject", ""},
    {"AbortMultipartUpload", "DELETE", kObject, "uploadId", "", "", "", abort_multipart_upload,
     "s3:AbortMultipartUpload", ""},
    // An object: what is not served.
    {"GetObjectAcl", "GET", kObject, "acl", "", "", "", get_object_acl, "s3:GetObjectAcl", ""},
    {"PutObjectAcl", "PUT", kObject, "acl", "", "", "", put_object_acl, "s3:PutObjectAcl", ""},
    {"GetObjectAttributes", "GET", kObject, "attributes", "", "", "", get_object_attributes,
     "s3:GetObjectAttributes", ""},
    {"GetObjectLegalHold", "GET", kObject, "legal-hold", "", "", "", get_object_legal_hold,
     "s3:GetObjectLegalHold", ""},
    {"PutObjectLegalHold", "PUT", kObject, "legal-hold", "", "", "", put_object_legal_hold,
     "s3:PutObjectLegalHold", ""},
    {"GetObjectRetention", "GET", kObject, "retention", "", "", "", get_object_retention,
     "s3:GetObjectRetention", ""},
    {"PutObjectRetention", "PUT", kObject, "retention", "", "", "", put_object_retention,
     "s3:PutObjectRetention", ""},
    {"GetObjectTagging", "GET", kObject, "tagging", "", "", "", get_object_tagging,
     "s3:GetObjectTagging", ""},
    {"PutObjectTagging", "PUT", kObject, "tagging", "", "", "", put_object_tagging,
     "s3:PutObjectTagging", ""},
    {"DeleteObjectTagging", "DELETE", kObject, "tagging", "", "", "", delete_object_tagging,
     "s3:DeleteObjectTagging", ""},
    {"GetObjectTorrent", "GET", kObject, "torrent", "", "", "", nullptr, "s3:GetObjectTorrent", ""},
    {"RenameObject", "PUT", kObject, "renameObject", "", "", "", nullptr, "s3:RenameObject", ""},
    {"RestoreObject", "POST", kObject, "restore", "", "", "", nullptr, "s3:RestoreObject", ""},
    {"SelectObjectContent", "POST", kObject, "select", "", "", "", nullptr,
     "s3:SelectObjectContent", ""},
    {"UpdateObjectEncryption", "PUT", kObject, "encryption", "", "", "", nullptr,
     "s3:UpdateObjectEncryption", ""},
    // An object: requests without a subresource.
    {"CopyObject", "PUT", kObject, "", "", "", "x-amz-copy-source", copy_object, "s3:PutObject",
     ""},
    {"PutObject", "PUT", kObject, "", "", "", "", put_object, "s3:PutObject", ""},
    {"GetObject", "GET", kObject, "", "", "", "", get_object, "s3:GetObject", ""},
    {"HeadObject", "HEAD", kObject, "", "", "", "", head_object, "s3:GetObject", ""},
    {"DeleteObject", "DELETE", kObject, "", "", "", "", delete_object, "s3:DeleteObject", ""},
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
