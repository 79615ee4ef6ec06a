// Server-sent events that rest while nobody looks: `follow(address, from, handlers)` goes on from the last message it has,
// through cuts of the line and through a hidden page. `handlers.end` is called when nothing will follow.

export function follow(address, from, handlers) {
  let source = null;
  let place = from;
  let over = false;

  function open() {
    if (source || over || document.hidden) return;
    source = new EventSource(`${address}?from=${encodeURIComponent(place)}`);
    for (const [kind, act] of Object.entries(handlers)) {
      source.addEventListener(kind, (event) => {
        if (event.lastEventId) place = event.lastEventId;
        if (kind === "end") close();
        act(JSON.parse(event.data));
      });
    }
    source.onerror = () => {
      // A refusal (too many streams, a server that restarts) is not repeated by the browser itself.
      if (source?.readyState === EventSource.CLOSED) {
        source = null;
        setTimeout(open, 3000);
      }
    };
  }

  function rest() {
    source?.close();
    source = null;
  }

  function changed() {
    if (document.hidden) rest();
    else open();
  }

  function close() {
    over = true;
    rest();
    document.removeEventListener("visibilitychange", changed);
  }

  document.addEventListener("visibilitychange", changed);
  open();
  return close;
}
