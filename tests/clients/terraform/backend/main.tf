# A state that is kept in a bucket and locked by a conditional write. See ../../s3_terraform_test.py.
terraform {
  backend "s3" {
    bucket                      = "tf-state"
    key                         = "env/state.tfstate"
    region                      = "us-east-1"
    use_path_style              = true
    use_lockfile                = true
    skip_region_validation      = true
    skip_requesting_account_id  = true
    skip_metadata_api_check     = true
  }
}

resource "terraform_data" "one" {
  input = "one"
}
