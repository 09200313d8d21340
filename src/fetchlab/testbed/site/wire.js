// The interface that the page loads its data from.

class LoginNeeded extends Error {}
class Failed extends Error {}

async function query(operation, variables) {
  const address = `/i/api/graphql/${state.queries[operation]}/${operation}`;
  let answer;
  try {
    answer = await fetch(`${address}?variables=${encodeURIComponent(JSON.stringify(variables))}`);
    if (answer.status === 401) throw new LoginNeeded();
    if (!answer.ok) throw new Failed(`status ${answer.status}`);
    return await answer.json();
  } catch (wrong) {
    if (wrong instanceof LoginNeeded) throw wrong;
    throw new Failed(String(wrong)); // also what is no JSON, and a connection that was lost
  }
}
