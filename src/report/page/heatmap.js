// The heat map: layers down, time across, the cosine as colour and, where it is below −0.1, a sign.

/** A colour as three numbers, from #rgb or #rrggbb. */
function channels(hex) {
  const digits = hex.length === 4 ? [...hex.slice(1)].map((d) => d + d) : hex.slice(1).match(/../g);
  return digits.map((d) => Number.parseInt(d, 16));
}

/** From `apart` at −1 over `neutral` at 0 to `agree` at 1; the root lets small cosines be seen. */
function heatColour(value, { apart, neutral, agree }) {
  const target = value < 0 ? apart : agree;
  const part = Math.sqrt(Math.min(1, Math.abs(value)));
  return `rgb(${neutral.map((from, i) => Math.round(from + (target[i] - from) * part)).join()})`;
}

/** The mean of the values from `first` to before `last` that are there; null where none is. */
function meanOf(values, first, last) {
  const part = values.slice(first, last).filter((v) => v != null);
  return part.length ? part.reduce((a, b) => a + b, 0) / part.length : null;
}

/** A label that fits: its end tells layers apart. */
function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let cut = text;
  while (cut.length > 1 && context.measureText(`…${cut}`).width > width) cut = cut.slice(1);
  return `…${cut}`;
}

/**
 * Draws rows [{ layer, values }] over `steps` into the section; `css` gives a colour by name. For charts.js.
 */
globalThis.drawHeat = (section, rows, steps, css) => {
  const canvas = section.querySelector('canvas');
  const output = section.querySelector('output');
  const width = section.clientWidth;
  const [rowHeight, bottom, right] = [rows.length > 24 ? 16 : rows.length > 8 ? 22 : 30, 42, 8];
  const height = rows.length * rowHeight + bottom;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.height = `${height}px`;
  const c = canvas.getContext('2d');
  c.scale(ratio, ratio);
  c.font = '12px system-ui, sans-serif';
  c.textBaseline = 'middle';
  const left = Math.min(width * 0.35, 16 + Math.max(40, ...rows.map((r) => c.measureText(r.layer).width)));
  const columns = Math.max(1, Math.min(steps.length, Math.floor((width - left - right) / 14)));
  const palette = { apart: channels(css('--apart')), neutral: channels(css('--neutral')), agree: channels(css('--agree')) };
  const cell = (width - left - right) / columns;
  const edge = (k) => Math.round((k * steps.length) / columns);
  const cells = rows.map(({ values }) => Array.from({ length: columns }, (_, k) => meanOf(values, edge(k), edge(k + 1))));

  cells.forEach((row, r) => {
    const y = r * rowHeight;
    c.fillStyle = css('--ink');
    c.textAlign = 'right';
    c.fillText(fitted(c, rows[r].layer, left - 14), left - 8, y + rowHeight / 2);
    c.textAlign = 'center';
    row.forEach((value, k) => {
      if (value === null) return;
      c.fillStyle = heatColour(value, palette);
      c.fillRect(left + k * cell, y + 1, cell + 0.5, rowHeight - 2);
      if (value < -0.1) {
        c.fillStyle = css('--ink');
        c.fillRect(left + (k + 0.5) * cell - 2.5, y + rowHeight / 2 - 0.5, 5, 1.2);
      }
    });
  });

  const base = rows.length * rowHeight;
  c.fillStyle = css('--quiet');
  c.textAlign = 'left';
  c.fillText(`step ${steps[0]}`, left, base + 12);
  c.textAlign = 'right';
  c.fillText(`${steps.at(-1)}`, width - right, base + 12);
  // What the colours mean.
  const [scale, x0] = [Math.min(180, width - left - right - 60), left + 24];
  for (let i = 0; i < scale; i++) {
    c.fillStyle = heatColour((2 * i) / scale - 1, palette);
    c.fillRect(x0 + i, base + 27, 1.2, 8);
  }
  c.fillStyle = css('--quiet');
  c.textAlign = 'right';
  c.fillText('−1', x0 - 5, base + 31);
  c.textAlign = 'left';
  c.fillText('+1 cosine', x0 + scale + 5, base + 31);

  canvas.onpointermove = (event) => {
    const box = canvas.getBoundingClientRect();
    const [k, r] = [Math.floor((event.clientX - box.left - left) / cell), Math.floor((event.clientY - box.top) / rowHeight)];
    const value = cells[r]?.[k];
    output.textContent = value == null ? '' : `${rows[r].layer}, steps ${steps[edge(k)]} – ${steps[edge(k + 1) - 1]}: cosine ${value.toFixed(2).replace('-', '−')}`;
  };
  canvas.onpointerleave = () => {
    output.textContent = '';
  };
};
