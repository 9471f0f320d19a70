// A peer's line to the bench in a page: it posts each answer to its own address, and the response, which may take a while, is the next question.
const here = new URL(location.href);

/** What the peer was started with. */
export const args = here.searchParams.getAll('arg');

/** The bytes of a file that the bench wrote, which its server gives out. */
export async function bytesOf() {
  return (await fetch(`${here.pathname}/inputs`)).arrayBuffer();
}

/** Greets, then gives each question's answer until the bench has ended. */
export async function converse(greeting, answerTo) {
  let answer = greeting;
  for (;;) {
    const response = await fetch(here.pathname, { method: 'POST', body: JSON.stringify(answer) });
    answer = await answerTo(await response.json());
  }
}
