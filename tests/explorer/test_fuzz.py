"""The API against its own schema: random requests, right and wrong, get answers that the schema promises."""

import pytest

from stylegan.explorer.explorer import Explorer
from stylegan.explorer.server import make_app

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed: pip install -e '.[dev]'")
from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from schemathesis import GenerationMode  # noqa: E402
from schemathesis.specs.openapi.checks import positive_data_acceptance  # noqa: E402

PATHS = ["/api/info", "/api/picture", "/api/styles", "/api/uploads"]
PATHS += ["/api/uploads/{name}", "/api/uploads/{name}/picture", "/api/uploads/{name}/projection"]


@pytest.fixture(scope="module")
def schema(make):
    explorer = Explorer(make(img_resolution=8, channel_base=32, channel_max=4, w_dim=4, z_dim=4, mapping_dim=4))
    yield schemathesis.openapi.from_asgi("/openapi.json", make_app(explorer, hosts=("*",)))
    explorer.close()


def operations(schema):
    return [found.ok() for found in schema.get_all_operations()]


def test_every_path_is_fuzzed(schema):
    assert {operation.path for operation in operations(schema)} == set(PATHS)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name.lower())
@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_one_that_the_schema_promises(schema, path, mode):
    for operation in operations(schema):
        if operation.path != path or (path == "/api/info" and mode is GenerationMode.NEGATIVE):
            continue

        @settings(
            max_examples=30,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def fuzz(case):
            case.call_and_validate(excluded_checks=[positive_data_acceptance])  # directions are the network's own

        fuzz()
