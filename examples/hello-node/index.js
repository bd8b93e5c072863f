exports.handler = async (event) => {
  const name = event?.queryStringParameters?.name ?? event?.name ?? 'World';
  return { message: `Hello, ${name}!` };
};
