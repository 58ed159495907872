// An OpenID provider on loopback for the sign-in tests: node provider.mjs PORT APP_PORT
// Anybody signs in with their address as login; roles come from the address's local part ("pm-ana@..." has pm).
import Provider from 'oidc-provider';

const [port, app] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'workbench',
    client_secret: 'a-secret-of-the-test',
    redirect_uris: [`http://127.0.0.1:${app}/oauth2callback`],
    post_logout_redirect_uris: [`http://127.0.0.1:${app}/oauth2callback`],
  }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['roles'] },
  conformIdTokenClaims: false,
  pkce: { required: () => false },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      email: id,
      email_verified: !id.startsWith('unverified'),
      roles: ['annotator', 'pm', 'engineer'].filter((role) => id.startsWith(`${role}-`)),
    }),
  }),
  cookies: { keys: ['only a test'] },
});
provider.listen(port, '127.0.0.1', () => console.log('ready'));
