"""Runs calls of the AWS CLI for the tests without starting Python for each.

The CLI's own code is loaded once, with the models of the services the stories
use; every call then runs in a process of its own that is forked from there.
Reads calls as lines of JSON, {"args": [...], "env": {...}}, and answers each
with a line {"code": 0, "stdout": "...", "stderr": "..."}.
"""
import json
import os
import sys
import tempfile

from awscli.clidriver import create_clidriver

SERVICES = ("iam", "inspector2", "organizations", "sts")


def call(driver, request, stdout, stderr):
    os.environ.update(request["env"])
    os.dup2(stdout.fileno(), 1)
    os.dup2(stderr.fileno(), 2)
    code = 255
    try:
        code = driver.main(request["args"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def text(file):
    file.seek(0)
    return file.read().decode()


def main():
    driver = create_clidriver()
    for service in SERVICES:
        # A client that nobody uses: what making it reads stays loaded.
        driver.session.create_client(service, "us-east-1", aws_access_key_id="none", aws_secret_access_key="none")
    for line in sys.stdin:
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            pid = os.fork()
            if pid == 0:
                call(driver, json.loads(line), stdout, stderr)
            _, status = os.waitpid(pid, 0)
            answer = {"code": os.waitstatus_to_exitcode(status), "stdout": text(stdout), "stderr": text(stderr)}
        print(json.dumps(answer), flush=True)


main()
