"""The browser's side of a soak: every message comes back, "close" closes the channel from that side.

The page keeps an account of each channel until it is closed: what doesn't come back was either not brought to the page,
or it was and the browser wouldn't let the page answer.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from playwright.async_api import Browser, Page, Playwright, async_playwright

from harness import browsers

__all__ = ["EchoingPage"]

_PAGE = """
() => {
  const pc = new RTCPeerConnection();
  const accounts = new Map();
  pc.ondatachannel = ({ channel }) => {
    const account = { channel, events: [], received: 0, refused: '' };
    accounts.set(channel.label, account);
    channel.binaryType = 'arraybuffer';
    for (const name of ['open', 'closing', 'error']) channel.addEventListener(name, () => account.events.push(name));
    channel.onclose = () => accounts.delete(channel.label);
    channel.onmessage = ({ data }) => {
      account.received++;
      try { if (data === 'close') channel.close(); else channel.send(data); }
      catch (error) { account.refused = `${error}`; }
    };
  };
  const account = (label) => {
    const { channel, events, received, refused } = accounts.get(label) ?? { channel: {}, events: [], received: 0 };
    return {
      received,
      story: `${events} fired, ${received} messages came, readyState ${channel.readyState} ${refused}`,
    };
  };
  window.end = { pc, account, gathered: async () => {
    while (pc.iceGatheringState !== 'complete')
      await new Promise((r) => pc.addEventListener('icegatheringstatechange', r, { once: true }));
    return pc.localDescription.sdp;
  } };
}
"""
_ANSWER = """async (sdp) => { await end.pc.setRemoteDescription({ type: 'offer', sdp });
    await end.pc.setLocalDescription(); return end.gathered(); }"""


class EchoingPage:
    """One page in a browser of its own: an asynchronous context manager."""

    def __init__(self, kind: str) -> None:
        self._found = browsers.require(browsers.Browser(kind))
        self._kind = kind
        self._playwright: Playwright
        self._browser: Browser
        self._page: Page

    async def __aenter__(self) -> Self:
        self._playwright = await async_playwright().start()
        self._browser = await getattr(self._playwright, self._kind).launch(**self._found.launch_options)
        self._page = await (await self._browser.new_context()).new_page()
        await self._page.evaluate(_PAGE)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._browser.close()
        await self._playwright.stop()

    async def answer(self, offer: str) -> str:
        return str(await self._page.evaluate(_ANSWER, offer))

    async def account(self, label: str) -> tuple[int, str]:
        found = await self._page.evaluate("(label) => end.account(label)", label)
        return int(found["received"]), str(found["story"])
