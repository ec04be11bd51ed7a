"""The HTTP API of an explorer and its page. docs/explorer.md describes it; /openapi.json has every field and range."""

import asyncio
import tempfile
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field, StrictInt, StrictStr

from stylegan import __version__
from stylegan.editing.projection import Projection
from stylegan.errors import InputError, printable
from stylegan.explorer import uploads
from stylegan.explorer.explorer import Explorer, encode, npy
from stylegan.explorer.guard import LOOPBACK, Guard
from stylegan.explorer.state import WHOLE, Model, State
from stylegan.explorer.turns import BusyError, OvertakenError
from stylegan.explorer.uploads import Job, Uploads
from stylegan.sampling.seeds import MAX_SEED

TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
Name = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
UploadName = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]


class PictureRequest(Model):
    """A picture that is wanted. In one place of one client the newest request wins; `main` goes first."""

    state: State
    client: Name = "anyone"
    place: Name = "main"
    format: Literal["png", "webp"] = "png"
    size: Annotated[StrictInt, Field(ge=1, le=4096), WHOLE] | None = None


class StylesRequest(Model):
    """Styles that are wanted."""

    state: State


class UploadAnswer(Model):
    """How far the projection of a picture is. distance: between it and the picture found; 0 is the same."""

    upload: str
    stage: uploads.Stage
    done: int
    steps: int
    problem: str | None = None
    distance: float | None = None


class Problem(Model):
    """What is wrong, in words."""

    detail: str


def make_app(
    explorer: Explorer, *, hosts: tuple[str, ...] = LOOPBACK, token: str | None = None, ancestors: str = "'none'"
) -> FastAPI:
    """The application. hosts, token: see `Guard`."""
    app = FastAPI(
        title="stylegan explorer", version=__version__, docs_url=None, redoc_url=None, openapi_url="/openapi.json"
    )
    app.add_middleware(Guard, hosts=hosts, token=token, most_bytes=uploads.MOST_BYTES, ancestors=ancestors)
    _add_errors(app)
    _add_page(app)
    _add_pictures(app, explorer)
    _add_uploads(app, explorer.uploads)
    _add_projections(app, explorer.uploads)
    return app


def page_files() -> dict[str, bytes]:
    """The files of the page by name, read once: no path of a request reaches the file system."""
    folder = resources.files("stylegan.explorer") / "page"
    return {file.name: file.read_bytes() for file in folder.iterdir() if _suffix(file.name) in TYPES}


def _add_page(app: FastAPI) -> None:
    files = page_files()

    @app.get("/{name}", include_in_schema=False)
    def file(name: str) -> Response:
        if name not in files:
            raise HTTPException(404, "no such file of the page")
        return Response(files[name], media_type=TYPES[_suffix(name)])

    @app.get("/", include_in_schema=False)
    def index() -> Response:
        return file("index.html")


def _add_pictures(app: FastAPI, explorer: Explorer) -> None:
    @app.get("/api/info")
    def info() -> dict[str, Any]:
        """The network: its size, levels, classes, directions, and the defaults of a state."""
        return explorer.info()

    @app.post("/api/picture", response_class=Response, responses=_answers("image/png", "image/webp", also=(409, 429)))
    async def picture(wanted: PictureRequest) -> Response:
        """The picture of a state, as a file without loss."""
        work = explorer.request(wanted.state, client=wanted.client, place=wanted.place)
        found = await asyncio.wrap_future(work)
        data = await asyncio.to_thread(encode, found, wanted.format, size=wanted.size)
        return Response(data, media_type=f"image/{wanted.format}")

    @app.post("/api/styles", response_class=Response, responses=_answers("application/octet-stream"))
    def styles(wanted: StylesRequest) -> Response:
        """The styles of a state: float32 (1, num_ws, w_dim), a .npy file that `stylegan sample` takes for a seed."""
        return Response(npy(explorer.recipe(wanted.state).ws), media_type="application/octet-stream")


def _find(kept: Uploads, name: str) -> Job:
    job = kept.jobs.get(name)
    if job is None:
        raise HTTPException(404, "no such picture: it was not uploaded here, or others have taken its place")
    return job


def _add_uploads(app: FastAPI, kept: Uploads) -> None:
    @app.post("/api/uploads", responses=_answers(also=(413, 429)), openapi_extra=_FILE)
    async def upload(
        request: Request,
        steps: Annotated[int, Query(ge=1, le=uploads.MOST_STEPS)] = 150,
        class_index: Annotated[int | None, Query(alias="class", ge=0, le=MAX_SEED)] = None,
    ) -> UploadAnswer:
        """Begin to project a picture file, the body of the request: to find its styles."""
        data = await request.body()
        return _answer(await asyncio.to_thread(kept.add, data, steps=steps, class_index=class_index))

    @app.get("/api/uploads/{name}", responses=_answers(also=(404,)))
    def progress(name: UploadName) -> UploadAnswer:
        """How far the projection is."""
        return _answer(_find(kept, name))

    @app.delete("/api/uploads/{name}", responses=_answers(also=(404,)))
    def cancel(name: UploadName) -> UploadAnswer:
        """End the projection, or forget it."""
        job = _find(kept, name)
        kept.cancel(name)
        return _answer(job)


def _add_projections(app: FastAPI, kept: Uploads) -> None:
    @app.get("/api/uploads/{name}/picture", response_class=Response, responses=_answers("image/png", also=(404,)))
    def preview(name: UploadName) -> Response:
        """The picture of the styles found so far; at first the uploaded one, cut to a square."""
        job = _find(kept, name)
        return Response(encode(job.target if job.preview is None else job.preview), media_type="image/png")

    @app.get(
        "/api/uploads/{name}/projection",
        response_class=Response,
        responses=_answers("application/octet-stream", also=(404,)),
    )
    def projection(name: UploadName) -> Response:
        """The file of the projection, which every command takes for a seed."""
        found = _find(kept, name).projection
        if found is None:
            raise HTTPException(404, "this projection is not done")
        return Response(projection_bytes(found), media_type="application/octet-stream")


def projection_bytes(found: Projection) -> bytes:
    """What `Projection.save` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "projection.safetensors"
        found.save(path)
        return path.read_bytes()


def _add_errors(app: FastAPI) -> None:
    def say(status: int, detail: str) -> JSONResponse:
        return JSONResponse({"detail": detail}, status)

    @app.exception_handler(InputError)
    async def wrong(_: Request, error: InputError) -> JSONResponse:
        return say(422, str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        parts = (f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors()[:8])
        return say(422, printable("; ".join(dict.fromkeys(parts)), 1000))

    @app.exception_handler(OvertakenError)
    async def overtaken(_: Request, error: OvertakenError) -> JSONResponse:
        return say(409, str(error))

    @app.exception_handler(BusyError)
    async def busy(_: Request, error: BusyError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 429, {"retry-after": "2"})


_FILE = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("image/*",)},
    }
}
_WORDS = {
    400: "The body is not JSON.",
    404: "There is no such upload, or it is not done.",
    409: "A newer request for the same place has overtaken this one.",
    413: "Too many bytes.",
    422: "Something in the request is wrong; the words say what.",
    429: "Too many requests wait.",
}


def _answers(*types: str, also: tuple[int, ...] = ()) -> dict[int | str, dict[str, Any]]:
    """The answers of a call for its documentation."""
    found: dict[int | str, dict[str, Any]] = {
        status: {"description": _WORDS[status], "model": Problem} for status in (400, 422, *also)
    }
    if types:
        binary = {"schema": {"type": "string", "format": "binary"}}
        found[200] = {"description": "The file.", "content": dict.fromkeys(types, binary)}
    return found


def _answer(job: Job) -> UploadAnswer:
    distance = None if job.projection is None else job.projection.distances[0]
    return UploadAnswer(
        upload=job.name, stage=job.stage, done=job.done, steps=job.steps, problem=job.problem, distance=distance
    )


def _suffix(name: str) -> str:
    return f".{name.rpartition('.')[2]}"
