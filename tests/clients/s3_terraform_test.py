"""Terraform with the AWS provider: buckets, their settings, users and roles; and a state in a bucket.

The provider is taken from a folder, never from the network: that of the CLI configuration in TF_CLI_CONFIG_FILE, of
STRATA_TERRAFORM_PLUGINS, or one of Terraform's own for local plugins. Without it the test skips and says so.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

from strata_server import StrataServer

SOURCES = pathlib.Path(__file__).parent / "terraform"
LOCAL_PLUGINS = ("~/.terraform.d/plugins", "~/.local/share/terraform/plugins", "/usr/local/share/terraform/plugins",
                 "/usr/share/terraform/plugins")
SECONDS_MAX = 300


def plugin_folders():
    named = os.environ.get("STRATA_TERRAFORM_PLUGINS")
    folders = [named] if named else [os.path.expanduser(folder) for folder in LOCAL_PLUGINS]
    return [folder for folder in folders if list(pathlib.Path(folder).glob("*/hashicorp/aws"))]


class Terraform(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = shutil.which("terraform")
        if cls.program is None:
            raise unittest.SkipTest("terraform is not installed")
        named = os.environ.get("TF_CLI_CONFIG_FILE")
        own = named and pathlib.Path(named).exists() and "STRATA_TERRAFORM_PLUGINS" not in os.environ
        if not own and not plugin_folders():
            raise unittest.SkipTest("there is no folder with Terraform's AWS provider: name it in "
                                    "STRATA_TERRAFORM_PLUGINS or TF_CLI_CONFIG_FILE")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-terraform-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.configuration = named
        if not own:
            mirrors = "".join(f"  filesystem_mirror {{\n    path = {json.dumps(folder)}\n  }}\n"
                              for folder in plugin_folders())
            cls.configuration = str(cls.folder / "terraform.rc")
            pathlib.Path(cls.configuration).write_text("disable_checkpoint = true\nprovider_installation {\n" +
                                                       mirrors + "}\n")

    def setUp(self):
        self.server = StrataServer()
        self.server.start()
        self.addCleanup(self.server.__exit__)

    def terraform(self, *arguments, where, statuses=(0,)):
        environment = self.server.client_environment() | {
            "TF_CLI_CONFIG_FILE": self.configuration, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1",
            "TF_VAR_endpoint": self.server.endpoint, "AWS_ENDPOINT_URL_S3": self.server.endpoint}
        # A session of its own, so that a provider that hangs goes with it.
        run = subprocess.Popen([self.program, *arguments, "-no-color"], cwd=where, env=environment, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        try:
            run.stdout, run.stderr = run.communicate(timeout=SECONDS_MAX)
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
                run.wait()
        self.assertIn(run.returncode, statuses, f"terraform {' '.join(arguments)}:\n{run.stdout[-6000:]}{run.stderr[-6000:]}")
        return run

    def copy(self, source):
        where = self.folder / self.id().rsplit(".", 1)[-1]
        where.mkdir()
        for file in source.glob("*.tf"):
            shutil.copy(file, where)
        return where

    def test_what_is_declared_is_made_found_again_without_a_difference_and_removed(self):
        where = self.copy(SOURCES)
        self.terraform("init", where=where)
        self.terraform("apply", "-auto-approve", where=where)
        # 0: nothing to do; 2: a difference, so what was answered is not what was asked for.
        self.terraform("plan", "-detailed-exitcode", where=where)
        outputs = json.loads(self.terraform("output", "-json", where=where).stdout)
        self.assertEqual(outputs["body"]["value"], "hello")
        writer = self.server.boto3(access_key=outputs["key"]["value"], secret_key=outputs["secret"]["value"])
        writer.put_object(Bucket="tf-app", Key="docs/by-the-user", Body=b"x")
        self.assertEqual(writer.get_object(Bucket="tf-app", Key="docs/by-the-user")["Body"].read(), b"x")
        self.terraform("apply", "-auto-approve", "-destroy", where=where)
        self.assertEqual(self.server.boto3().list_buckets(Prefix="tf-")["Buckets"], [])

    def test_a_state_in_a_bucket_is_locked_by_a_conditional_write(self):
        s3 = self.server.boto3()
        s3.create_bucket(Bucket="tf-state")
        where = self.copy(SOURCES / "backend")
        self.terraform("init", where=where)
        self.terraform("apply", "-auto-approve", where=where)
        state = json.loads(s3.get_object(Bucket="tf-state", Key="env/state.tfstate")["Body"].read())
        self.assertEqual(state["resources"][0]["name"], "one")
        lock = "env/state.tfstate.tflock"
        self.assertNotIn(lock, [one["Key"] for one in s3.list_objects_v2(Bucket="tf-state")["Contents"]])
        s3.put_object(Bucket="tf-state", Key=lock, Body=json.dumps({"ID": "someone-else", "Who": "another"}).encode())
        refused = self.terraform("apply", "-auto-approve", "-lock-timeout=0s", where=where, statuses=(1,))
        self.assertIn("someone-else", refused.stderr)
        s3.delete_object(Bucket="tf-state", Key=lock)
        self.terraform("apply", "-auto-approve", "-destroy", where=where)


if __name__ == "__main__":
    unittest.main(verbosity=2)
