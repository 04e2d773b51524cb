#!/usr/bin/env bash
# Builds the wheel, installs it where there is no Rust, and tests it there:
#   python/tests/run.sh [quick|integrations|oldest|sentence-transformers ...]     (default: quick integrations)
# quick                  the package alone, its types, and the installation into an empty environment
# integrations           the adapters, by the newest versions of their libraries; the tutorials (with the default model)
# oldest                 the adapters, by the oldest versions that pyproject.toml names
# sentence-transformers  its evaluators; installs torch (half a gigabyte and more)
#
# PYTHON       builds and tests                                                              (default: python3)
# WHEEL        a wheel that is there already                                                 (default: built here)
set -euo pipefail
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-$PWD/target}"
python="${PYTHON:-python3}"
venvs="$target/python"
groups=("${@:-quick}")
[ $# -gt 0 ] || groups=(quick integrations)
mkdir -p "$venvs"

# maturin builds, and uv finds versions that go together in seconds where pip takes minutes.
if [ ! -f "$venvs/build/complete" ]; then
    "$python" -m venv --clear "$venvs/build"
    "$venvs/build/bin/pip" install --quiet --disable-pip-version-check "maturin>=1.9,<2" uv
    touch "$venvs/build/complete"
fi
PATH="$venvs/build/bin:$PATH"

# An environment that is made once; the file `complete` in it says of what.
environment() { # NAME PACKAGES...
    local venv="$venvs/$1"
    if [ "$(cat "$venv/complete" 2>/dev/null)" != "${*:2}" ]; then
        "$python" -m venv --clear "$venv"
        uv pip install --quiet --python "$venv/bin/python" "${@:2}"
        echo "${*:2}" >"$venv/complete"
    fi
}

install() { uv pip install --quiet --reinstall --no-deps --python "$venvs/$1/bin/python" "$wheel"; }

if [ -z "${WHEEL:-}" ]; then
    # Rust's own linker for Linux folds functions that are the same.
    smaller=()
    [ "$(uname -sm)" != "Linux x86_64" ] || smaller=(-- -C link-arg=-Wl,--icf=all)
    rm -rf "$venvs/wheels"
    maturin build --release --locked --manifest-path python/Cargo.toml --target-dir "$target" --out "$venvs/wheels" \
        --compression-level 9 --quiet "${smaller[@]}"
    WHEEL=$(echo "$venvs"/wheels/*.whl)
fi
wheel="$WHEEL"
echo "$(basename "$wheel"): $(($(stat -c %s "$wheel") / 1000)) kB"
[ "$(stat -c %s "$wheel")" -lt 30000000 ] || { echo "the wheel is to stay below 30 MB" >&2; exit 1; }

for group in "${groups[@]}"; do
    case "$group" in
    quick)
        # What somebody has who has no Rust: an empty environment, an empty PATH, and the models of the tests.
        rm -rf "$venvs/empty" && "$python" -m venv "$venvs/empty"
        "$venvs/empty/bin/pip" install --quiet --disable-pip-version-check "$wheel"
        (cd "$venvs" && env -i HOME="$HOME" PATH="$venvs/empty/bin" ${VETTED_HOME:+VETTED_HOME="$VETTED_HOME"} vetted demo >/dev/null)
        environment quick numpy pytest pytest-asyncio mypy tqdm
        install quick
        "$venvs/quick/bin/python" -m pytest -q python/tests --ignore python/tests/integrations
        ;;
    integrations)
        environment integrations numpy pytest pytest-asyncio mypy langchain-core langchain-classic llama-index-core haystack-ai dspy redisvl langcache \
            gptcache sqlalchemy deepeval nbclient ipykernel nbformat
        install integrations
        "$venvs/integrations/bin/python" -m pytest -q python/tests/integrations python/tests/test_package.py
        "$venvs/integrations/bin/python" python/tutorials/run.py
        ;;
    oldest)
        environment oldest numpy pytest pytest-asyncio 'langchain-core==0.3.*' 'llama-index-core==0.12.*' 'haystack-ai==2.26.*' \
            'dspy==2.6.*' \
            'redisvl==0.18.*' langcache gptcache==0.1.43 sqlalchemy 'deepeval==3.*'
        install oldest
        "$venvs/oldest/bin/python" -m pytest -q python/tests/integrations
        ;;
    sentence-transformers)
        environment sentence-transformers sentence-transformers pytest pytest-asyncio
        install sentence-transformers
        "$venvs/sentence-transformers/bin/python" -m pytest -q python/tests/integrations/test_sentence_transformers.py
        ;;
    *)
        echo "unknown: $group" >&2
        exit 2
        ;;
    esac
done
