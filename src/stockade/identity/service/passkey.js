// A passkey for the form that asks for one (W3C Web Authentication, sections 7.1 and 7.2). Nothing but this form is touched, and
// nothing is sent but by it. Base64url by hand: not every browser knows parseRequestOptionsFromJSON and toJSON yet.
"use strict";
(() => {
  const form = document.querySelector("form[data-passkey]");
  if (!form || !window.PublicKeyCredential) return;
  const trouble = document.getElementById("passkey-trouble");
  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");
  const named = (list) => (list ?? []).map((each) => ({ ...each, id: bytes(each.id) }));

  const show = async (options) => {
    const publicKey = {
      ...options,
      challenge: bytes(options.challenge),
      allowCredentials: named(options.allowCredentials),
    };
    const found = await navigator.credentials.get({ publicKey });
    const { authenticatorData, clientDataJSON, signature, userHandle } = found.response;
    return [
      found,
      {
        authenticatorData: text(authenticatorData),
        clientDataJSON: text(clientDataJSON),
        signature: text(signature),
        ...(userHandle ? { userHandle: text(userHandle) } : {}),
      },
    ];
  };

  const make = async (options) => {
    const publicKey = {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: named(options.excludeCredentials),
    };
    const made = await navigator.credentials.create({ publicKey });
    const { attestationObject, clientDataJSON } = made.response;
    return [made, { attestationObject: text(attestationObject), clientDataJSON: text(clientDataJSON) }];
  };

  let busy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    trouble.hidden = true;
    try {
      const options = JSON.parse(form.dataset.passkey);
      const [credential, response] = await ("user" in options ? make(options) : show(options));
      const id = text(credential.rawId);
      form.elements.answer.value = JSON.stringify({
        id,
        rawId: id,
        type: credential.type,
        clientExtensionResults: {},
        response,
      });
      form.submit();
    } catch {
      trouble.hidden = false;
      busy = false;
    }
  });
  form.hidden = false;
})();
