# What a team that keeps its buckets and users in Terraform declares. See ../s3_terraform_test.py.
variable "endpoint" { type = string }

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region                  = "us-east-1"
  s3_use_path_style       = true
  skip_metadata_api_check = true
  skip_region_validation  = true
  endpoints {
    s3  = var.endpoint
    iam = var.endpoint
    sts = var.endpoint
  }
  default_tags {
    tags = { managed = "terraform" }
  }
}

data "aws_caller_identity" "me" {}

resource "aws_s3_bucket" "app" {
  bucket        = "tf-app"
  force_destroy = true
  tags          = { team = "blue", "cost center" = "7" }
}

resource "aws_s3_bucket_versioning" "app" {
  bucket = aws_s3_bucket.app.id
  versioning_configuration { status = "Enabled" }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "app" {
  bucket = aws_s3_bucket.app.id
  rule {
    apply_server_side_encryption_by_default { sse_algorithm = "AES256" }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "app" {
  depends_on = [aws_s3_bucket_versioning.app]
  bucket     = aws_s3_bucket.app.id
  rule {
    id     = "logs"
    status = "Enabled"
    filter {
      and {
        prefix                   = "logs/"
        object_size_greater_than = 100
        tags                     = { kind = "log", keep = "no" }
      }
    }
    transition {
      days          = 30
      storage_class = "STANDARD_IA"
    }
    expiration { days = 90 }
    noncurrent_version_expiration {
      noncurrent_days           = 7
      newer_noncurrent_versions = 2
    }
  }
  rule {
    id     = "uploads"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload { days_after_initiation = 3 }
  }
  rule {
    id     = "tmp"
    status = "Disabled"
    filter { prefix = "tmp/" }
    expiration { date = "2040-01-01T00:00:00Z" }
  }
}

resource "aws_s3_bucket_cors_configuration" "app" {
  bucket = aws_s3_bucket.app.id
  cors_rule {
    id              = "web"
    allowed_methods = ["GET", "PUT"]
    allowed_origins = ["https://*.example.com", "https://example.org"]
    allowed_headers = ["*"]
    expose_headers  = ["ETag"]
    max_age_seconds = 600
  }
}

resource "aws_s3_bucket_public_access_block" "app" {
  bucket                  = aws_s3_bucket.app.id
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = true
  restrict_public_buckets = false
}

data "aws_iam_policy_document" "app" {
  statement {
    sid     = "OnlyTheRole"
    actions = ["s3:GetObject", "s3:ListBucket"]
    resources = [
      aws_s3_bucket.app.arn,
      "${aws_s3_bucket.app.arn}/*",
    ]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.reader.arn, aws_iam_user.writer.arn]
    }
  }
}

resource "aws_s3_bucket_policy" "app" {
  depends_on = [aws_s3_bucket_public_access_block.app]
  bucket     = aws_s3_bucket.app.id
  policy     = data.aws_iam_policy_document.app.json
}

resource "aws_s3_object" "hello" {
  depends_on    = [aws_s3_bucket_versioning.app, aws_s3_bucket_server_side_encryption_configuration.app]
  bucket        = aws_s3_bucket.app.id
  key           = "docs/a b ü.txt"
  content       = "hello"
  content_type  = "text/plain"
  storage_class = "STANDARD_IA"
  cache_control = "max-age=60"
  metadata      = { color = "blue" }
  tags          = { kind = "doc" }
}

resource "aws_s3_object_copy" "hello" {
  bucket = aws_s3_bucket.app.id
  key    = "docs/copy.txt"
  source = "${aws_s3_bucket.app.id}/${aws_s3_object.hello.key}"
  # A copy's tags are its source's, unless they are replaced.
  tagging_directive = "REPLACE"
  tags              = { kind = "copy" }
}

data "aws_s3_object" "hello" {
  bucket = aws_s3_bucket.app.id
  key    = aws_s3_object.hello.key
}

resource "aws_s3_bucket" "site" {
  bucket = "tf-site"
}

resource "aws_s3_bucket_ownership_controls" "site" {
  bucket = aws_s3_bucket.site.id
  rule { object_ownership = "BucketOwnerPreferred" }
}

resource "aws_s3_bucket_public_access_block" "site" {
  bucket = aws_s3_bucket.site.id
}

resource "aws_s3_bucket_acl" "site" {
  depends_on = [aws_s3_bucket_ownership_controls.site, aws_s3_bucket_public_access_block.site]
  bucket     = aws_s3_bucket.site.id
  acl        = "public-read"
}

resource "aws_s3_bucket_website_configuration" "site" {
  bucket = aws_s3_bucket.site.id
  index_document { suffix = "index.html" }
  error_document { key = "error.html" }
  routing_rule {
    condition { key_prefix_equals = "old/" }
    redirect { replace_key_prefix_with = "new/" }
  }
}

resource "aws_s3_bucket_request_payment_configuration" "site" {
  bucket = aws_s3_bucket.site.id
  payer  = "BucketOwner"
}

resource "aws_s3_bucket" "vault" {
  bucket              = "tf-vault"
  object_lock_enabled = true
}

resource "aws_s3_bucket_object_lock_configuration" "vault" {
  bucket = aws_s3_bucket.vault.id
  rule {
    default_retention {
      mode = "GOVERNANCE"
      days = 1
    }
  }
}

resource "aws_iam_user" "writer" {
  name          = "tf-writer"
  path          = "/apps/"
  force_destroy = true
  tags          = { team = "blue" }
}

resource "aws_iam_user_policy" "writer" {
  name = "write"
  user = aws_iam_user.writer.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:PutObject"], Resource = "${aws_s3_bucket.app.arn}/*" }]
  })
}

resource "aws_iam_access_key" "writer" {
  user = aws_iam_user.writer.name
}

resource "aws_iam_policy" "read" {
  name        = "tf-read"
  description = "Reading of one bucket"
  tags        = { team = "blue" }
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:Get*", Resource = "${aws_s3_bucket.app.arn}/*" }]
  })
}

resource "aws_iam_user_policy_attachment" "writer" {
  user       = aws_iam_user.writer.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_role" "reader" {
  name                 = "tf-reader"
  description          = "Reads"
  max_session_duration = 7200
  tags                 = { team = "green" }
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = aws_iam_user.writer.arn }
    }]
  })
}

resource "aws_iam_role_policy" "reader" {
  name = "inline"
  role = aws_iam_role.reader.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:ListBucket", Resource = aws_s3_bucket.app.arn }]
  })
}

resource "aws_iam_role_policy_attachment" "reader" {
  role       = aws_iam_role.reader.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_group" "team" {
  name = "tf-team"
}

resource "aws_iam_group_policy" "team" {
  name   = "list"
  group  = aws_iam_group.team.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:ListAllMyBuckets", Resource = "*" }] })
}

resource "aws_iam_user_group_membership" "writer" {
  user   = aws_iam_user.writer.name
  groups = [aws_iam_group.team.name]
}

output "account" { value = data.aws_caller_identity.me.account_id }
output "body" { value = data.aws_s3_object.hello.body }
output "key" { value = aws_iam_access_key.writer.id }
output "secret" {
  value     = aws_iam_access_key.writer.secret
  sensitive = true
}
