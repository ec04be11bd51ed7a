"""How long the explorer takes from a moved control to the new picture, in a real browser, and what 20 clients get.

    python benchmarks/explorer.py [--network portraits] [--moves 60]
    python benchmarks/explorer.py --static                              the page with no server, from disk

It starts `stylegan explore` as a program of its own, moves each control in headless Chromium, one move after the other,
and waits each time until the picture of that move is on the canvas. Then 20 clients ask at once for pictures.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from statistics import median, quantiles

from stylegan.explorer.static import save_static

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
MOVES = """async ([label, count, least, most]) => {
  const ranges = [...document.querySelectorAll("input[type=range]")];
  const range = ranges.find(each => each.ariaLabel === label || each.labels[0]?.textContent === label);
  const canvas = document.getElementById("picture");
  const times = [];
  for (let i = 0; i < count; i += 1) {
    const drawn = new Promise(resolve => {
      const seen = new MutationObserver(() => { seen.disconnect(); resolve(); });
      seen.observe(canvas, { attributes: true, attributeFilter: ["data-drawn"] });
    });
    const begun = performance.now();
    range.value = least + (most - least) * (((i * 7) % count) + 0.5) / count;
    range.dispatchEvent(new Event("input", { bubbles: true }));
    await drawn;
    times.push(performance.now() - begun);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  range.dispatchEvent(new Event("change", { bubbles: true }));
  return times;
}"""
CONTROLS = {
    "pad": ("Across the pad, left to right (arrow keys move both ways)", 0, 1),
    "psi": ("psi", -1, 1),
    "mix coarse": ("Mix coarse: styles 0 to 3", 0, 1),
    "mix fine": ("Mix fine: styles 8 to 9", 0, 1),
    "direction": ("Direction closed-1", -4, 4),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--network", default="portraits")
    parser.add_argument("--moves", type=int, default=60)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--static", action="store_true")
    asked = parser.parse_args()
    if asked.static:
        with tempfile.TemporaryDirectory() as folder:
            page = save_static(asked.network, Path(folder) / "page.html")
            print(f"{page.stat().st_size / 1e6:.1f} MB")
            show(browse(page.as_uri(), asked.moves))
        return
    server, address = start(asked.network)
    try:
        show(browse(address, asked.moves))
        times, lost, wall = load(address, asked.clients, asked.seconds)
        late = f"median {1000 * median(times):.0f} ms, 95 % {1000 * percentile_95(times):.0f} ms"
        print(f"{asked.clients} clients at once: {len(times) / wall:.0f} pictures/s, {late}, {lost} lost")
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def show(found: dict[str, list[float]]) -> None:
    """A line for each control."""
    print(f"{'control':<12} {'median ms':>10} {'95 % ms':>10}")
    for name, times in found.items():
        print(f"{name:<12} {median(times):>10.1f} {percentile_95(times):>10.1f}")


def start(network: str) -> tuple[subprocess.Popen[str], str]:
    """The program, and the address that it prints."""
    command = [sys.executable, "-m", "stylegan", "explore", network, "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    line = server.stderr.readline()
    return server, next(word for word in line.split() if word.startswith("http"))


def browse(address: str, moves: int) -> dict[str, list[float]]:
    """Milliseconds of each move of each control."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS.split())
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        page.wait_for_selector("body[data-shown]")
        page.wait_for_timeout(1000)
        found = {}
        for name, (label, least, most) in CONTROLS.items():
            page.evaluate(MOVES, [label, 5, least, most])  # warm
            found[name] = page.evaluate(MOVES, [label, moves, least, most])
        browser.close()
    return found


def load(address: str, clients: int, seconds: float) -> tuple[list[float], int, float]:
    """Seconds of each picture, the number of requests without one, and the time that all took."""
    times: list[float] = []
    lost: list[object] = []
    end = time.perf_counter() + seconds

    def work(client: int) -> None:
        k = 0
        while time.perf_counter() < end:
            k += 1
            state = {"a": {"seeds": [client, client + 1, client + 2, client + 3], "x": k % 100 / 100}}
            body = json.dumps({"state": state, "client": f"client{client}"}).encode()
            request = urllib.request.Request(f"{address}api/picture", body, {"content-type": "application/json"})
            begun = time.perf_counter()
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    answer.read()
                times.append(time.perf_counter() - begun)
            except OSError as e:
                lost.append(e)

    begun = time.perf_counter()
    threads = [threading.Thread(target=work, args=[i]) for i in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, len(lost), time.perf_counter() - begun


def percentile_95(times: list[float]) -> float:
    return quantiles(times, n=20)[-1]


if __name__ == "__main__":
    main()
