"""A browser as one end of a benchmark: the page does the transfer itself, so that no round trip is in the figure."""

from __future__ import annotations

from playwright.async_api import Browser, Page, Playwright, async_playwright

from harness import browsers

__all__ = ["BrowserStack"]

PAGE = """
(expected) => {
  const pc = new RTCPeerConnection();
  const end = { pc, bytes: 0, started: 0, expected };
  end.open = new Promise((resolve) => { end.opened = resolve; });
  end.finished = new Promise((resolve) => { end.finish = resolve; });
  end.pongs = [];
  end.adopt = (channel) => {
    end.channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.bufferedAmountLowThreshold = 262144;
    channel.onmessage = ({ data }) => {
      if (typeof data === 'string') {
        if (data.startsWith('ping')) channel.send('pong'.repeat(25)); else (end.pongs.shift() || (() => {}))();
        return;
      }
      if (!end.bytes) end.started = performance.now();
      end.bytes += data.byteLength;
      if (end.bytes === end.expected) { end.finish((performance.now() - end.started) / 1000); channel.send('done'); }
    };
    if (channel.readyState === 'open') end.opened(); else channel.onopen = () => end.opened();
  };
  end.gathered = async () => {
    while (pc.iceGatheringState !== 'complete')
      await new Promise((r) => pc.addEventListener('icegatheringstatechange', r, { once: true }));
    return pc.localDescription.sdp;
  };
  pc.ondatachannel = ({ channel }) => end.adopt(channel);
  window.end = end;
}
"""


class BrowserStack:
    """The same five calls as a Python stack, each one evaluation in the page."""

    def __init__(self, kind: str, expected: int) -> None:
        self.kind = kind
        self.expected = expected
        self.playwright: Playwright
        self.browser: Browser
        self.page: Page

    async def start(self) -> None:
        self.playwright = await async_playwright().start()
        found = browsers.require(browsers.Browser(self.kind))
        self.browser = await getattr(self.playwright, self.kind).launch(**found.launch_options)
        self.page = await (await self.browser.new_context()).new_page()
        await self.page.evaluate(PAGE, self.expected)

    async def offer(self) -> str:
        await self.start()
        script = """async () => { end.adopt(end.pc.createDataChannel('bench'));
            await end.pc.setLocalDescription(); return end.gathered(); }"""
        return str(await self.page.evaluate(script))

    async def answer(self, offer: str) -> str:
        await self.start()
        script = """async (sdp) => { await end.pc.setRemoteDescription({ type: 'offer', sdp });
            await end.pc.setLocalDescription(); return end.gathered(); }"""
        return str(await self.page.evaluate(script, offer))

    async def accept(self, answer: str) -> None:
        await self.page.evaluate("(sdp) => end.pc.setRemoteDescription({ type: 'answer', sdp })", answer)

    async def opened(self) -> None:
        await self.page.evaluate("() => end.open")

    async def send(self, size: int, count: int) -> None:
        script = """async ([size, count]) => {
            const data = new Uint8Array(size).map((_, i) => i);
            const done = new Promise((r) => end.pongs.push(r));
            for (let i = 0; i < count; i++) {
              while (end.channel.bufferedAmount > 1048576)
                await new Promise((r) => end.channel.addEventListener('bufferedamountlow', r, { once: true }));
              end.channel.send(data);
            }
            await done;
        }"""
        await self.page.evaluate(script, [size, count])

    async def receive(self) -> float:
        return float(await self.page.evaluate("() => end.finished"))

    async def echo(self, count: int) -> list[float]:
        script = """async (count) => { const times = [];
            for (let i = 0; i < count; i++) { const begin = performance.now();
              const pong = new Promise((r) => end.pongs.push(r)); end.channel.send('ping'.repeat(25)); await pong;
              times.push((performance.now() - begin) / 1000); }
            return times; }"""
        return [float(value) for value in await self.page.evaluate(script, count)]

    async def close(self) -> None:
        await self.browser.close()
        await self.playwright.stop()
