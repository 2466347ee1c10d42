"""The AWS SDKs for JavaScript, Go, Java and Rust, as far as tools/build_sdk_clients.sh has built their clients."""

import pathlib
import subprocess
import unittest

from strata_server import StrataServer

BUILT = pathlib.Path(__file__).resolve().parents[2] / "build" / "sdk"
COMMANDS = {
    "js": ["node", "client.mjs"],
    "go": ["./client"],
    "java": ["java", "-XX:TieredStopAtLevel=1", "-cp", "target/classes:target/jars/*", "SdkClient"],
    "rust": ["target/debug/strata-sdk-client"],
}


class Sdks(unittest.TestCase):
    def run_client(self, language):
        folder = BUILT / language
        if not (folder / "ready").exists():
            self.skipTest(f"the {language} client is not built: tools/build_sdk_clients.sh {language}")
        with StrataServer() as server:
            environment = server.client_environment() | {"AWS_REGION": "us-east-1"}
            run = subprocess.run(COMMANDS[language], cwd=folder, env=environment, capture_output=True, text=True,
                                 timeout=120)
        self.assertEqual(run.returncode, 0, run.stderr[-3000:])
        self.assertEqual(run.stdout.strip().splitlines()[-1:], ["done"])

    def test_javascript(self):
        self.run_client("js")

    def test_go(self):
        self.run_client("go")

    def test_java(self):
        self.run_client("java")

    def test_rust(self):
        self.run_client("rust")


if __name__ == "__main__":
    unittest.main(verbosity=2)
