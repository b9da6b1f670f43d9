"""Opens reports in a headless Chromium as a reader would: narrow and wide, light and dark.

Prints a line for each: `N 0 errors requests pictures empty overflow smallest contrast plays`. Errors of the console and of the script,
requests beyond the page itself, pictures, those of them in which nothing is drawn, pixels by which the page is wider than its window,
the smallest text in pixels, the least contrast of a text with what is behind it (WCAG 2.1), and whether the motion plays (1, 0; -1 where
there is none). Each is the worst of the four windows. Needs playwright and a Chromium on the PATH.
"""
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

LOOK = r"""
() => {
  const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = text => { const v = (text.match(/[\d.]+/g) ?? []).map(Number); return v.length < 3 ? null : [...v.slice(0, 3), v[3] ?? 1]; };
  const over = (front, back) => front.slice(0, 3).map((v, c) => v * front[3] + back[c] * (1 - front[3]));
  const behind = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const own = e.tagName === 'svg' ? e.querySelector('rect[width="100%"]') : null;
      const colour = parse(own ? getComputedStyle(own).fill : getComputedStyle(e).backgroundColor);
      if (colour && colour[3] > 0) { layers.push(colour); if (colour[3] === 1) break; }
    }
    return layers.reverse().reduce((back, front) => over(front, back), [255, 255, 255]);
  };
  let smallest = Infinity, contrast = Infinity;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, style = getComputedStyle(e);
    const box = e.getBoundingClientRect();
    if (!walk.currentNode.data.trim() || !box.width || ['SCRIPT', 'STYLE', 'NOSCRIPT', 'title'].includes(e.tagName)) continue;
    const svg = e.ownerSVGElement, drawn = svg ? e.getScreenCTM() : null;
    const scale = drawn ? Math.hypot(drawn.a, drawn.b) : 1;
    smallest = Math.min(smallest, parseFloat(style.fontSize) * scale);
    const back = behind(e), front = parse(svg ? style.fill : style.color);
    const [low, high] = [luminance(over(front, back)), luminance(back)].sort((a, b) => a - b);
    contrast = Math.min(contrast, (high + 0.05) / (low + 0.05));
  }
  const shapes = 'path,line,polyline,polygon,circle,rect,image';
  const isEmpty = e => {
    if (e.tagName === 'IMG') return !e.naturalWidth;
    if (e.tagName !== 'CANVAS') return e.querySelectorAll(shapes).length < 3 || !e.getBoundingClientRect().height;
    return !e.getContext('2d').getImageData(0, 0, e.width, e.height).data.some(v => v);
  };
  const pictures = [...document.querySelectorAll('img,canvas,svg')];
  const page = document.documentElement;
  return { smallest, contrast, pictures: pictures.length, empty: pictures.filter(isEmpty).length, overflow: page.scrollWidth - page.clientWidth };
}
"""
PICTURE = "() => document.querySelector('figure.view canvas').toDataURL()"


def plays(page):
    button = page.query_selector("figure.view button")
    if button is None:
        return -1
    before = page.evaluate(PICTURE), page.inner_text("figure.view output")
    button.click()
    page.wait_for_timeout(700)
    button.click()
    after = page.evaluate(PICTURE), page.inner_text("figure.view output")
    return int(all(a != b for a, b in zip(before, after)))


def window(browser, address, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, errors, requests = context.new_page(), [], []
    page.on("console", lambda message: errors.append(message) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(error))
    page.on("request", lambda request: requests.append(request) if request.url != address and not request.url.startswith("data:") else None)
    page.goto(address)
    page.evaluate("() => document.querySelectorAll('details').forEach(d => { d.open = true; })")
    seen, playing = page.evaluate(LOOK), plays(page)
    context.close()
    return [len(errors), len(requests), seen["pictures"], seen["empty"], seen["overflow"], seen["smallest"], seen["contrast"], playing]


WORST = [max, max, min, max, max, min, min, min]
with sync_playwright() as playwright:
    program = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])))
    chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
    for number, report in enumerate(sys.argv[1:]):
        address = Path(report).resolve().as_uri()
        windows = [window(chromium, address, width, scheme) for width in (400, 1400) for scheme in ("light", "dark")]
        print(number, 0, *(worst(values) for worst, values in zip(WORST, zip(*windows))))
    chromium.close()
