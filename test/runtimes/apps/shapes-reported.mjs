// Beside the page of examples/shapes: tells the suite's server of its first batch (and whether it went on from a checkpoint), its end and its errors.
const report = (body) => fetch(new URLSearchParams(location.search).get('report'), { method: 'POST', body: JSON.stringify(body) });
addEventListener('trained', ({ detail }) => report(detail));
addEventListener('error', ({ message }) => report({ error: message }));
addEventListener('unhandledrejection', ({ reason }) => report({ error: String(reason?.stack ?? reason) }));
new MutationObserver((_, observer) => {
  observer.disconnect();
  report({ begins: true, resumed: /^Goes on from/m.test(document.getElementById('log').textContent) });
}).observe(document.getElementById('status'), { childList: true });
