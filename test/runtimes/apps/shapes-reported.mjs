// Beside the page of examples/shapes: tells the suite's server of its first batch, its end and its errors.
const report = (body) => fetch(new URLSearchParams(location.search).get('report'), { method: 'POST', body: JSON.stringify(body) });
addEventListener('trained', ({ detail }) => report(detail));
addEventListener('error', ({ message }) => report({ error: message }));
addEventListener('unhandledrejection', ({ reason }) => report({ error: String(reason?.stack ?? reason) }));
new MutationObserver((_, observer) => {
  observer.disconnect();
  report({ begins: true });
}).observe(document.getElementById('status'), { childList: true });
