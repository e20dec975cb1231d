"""The start of a nightly batch job that writes summaries: checks and reports its settings.

All of them come from the environment, whoever filled it: this file knows neither `.env` nor any
vault. The report shows names and whether they are set, never a key.
"""

import logging
import os
import sys

REQUIRED = ("ANTHROPIC_API_KEY", "PINECONE_API_KEY")
OPTIONAL = ("LOG_LEVEL", "MODEL")
DECLARED = REQUIRED + OPTIONAL

LEVELS = ("debug", "info", "warning", "error")
CREDENTIAL_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD")


def problems(environ):
    """Everything that keeps the job from starting, at once."""
    found = []
    missing = [name for name in REQUIRED if not environ.get(name)]
    if missing:
        found.append(f"missing environment variables: {', '.join(missing)}")
    if (environ.get("LOG_LEVEL") or "info") not in LEVELS:
        found.append(f"LOG_LEVEL is none of {', '.join(LEVELS)}")
    return found


def undeclared_credentials(environ):
    """Names that look like a credential's and that this job has no use for."""
    return sorted(
        name
        for name in environ
        if name not in DECLARED and any(word in name.upper() for word in CREDENTIAL_WORDS)
    )


def report(environ):
    """The lines that the job prints about itself."""
    yield f"model: {environ.get('MODEL') or 'claude-sonnet-4-5'}"
    for name in REQUIRED:
        yield f"{name}: set"
    yield f"given: {', '.join(sorted(name for name in DECLARED if name in environ))}"
    others = undeclared_credentials(environ)
    names = f" ({', '.join(others)})" if others else ""
    yield f"other credentials in the environment: {len(others)}{names}"


def main():
    """Returns the exit status."""
    found = problems(os.environ)
    if found:
        for problem in found:
            print(f"app: error: {problem}", file=sys.stderr)
        hint = "secretfile.yaml declares them: endow run -- python3 app.py"
        print(f"app: hint: {hint}", file=sys.stderr)
        return 1
    level = (os.environ.get("LOG_LEVEL") or "info").upper()
    logging.basicConfig(level=level, format="%(levelname)s: %(message)s")
    logging.debug("interpreter: %s", sys.executable)
    for line in report(os.environ):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
