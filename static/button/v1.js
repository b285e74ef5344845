/* Bouton « Prendre rendez-vous » de RDV Apprentissage, version 1. Ni cookie, ni traceur, ni dépendance. */
(() => {
  "use strict";
  const script = document.currentScript || document.querySelector('script[src*="/bouton"]');
  const HOUSE = new URL(script.src).origin;
  const NAMES = ["cle", "rco", "parcoursup", "onisep", "affelnet", "siret", "cfd", "origine"];
  const PERSON = ["prenom", "nom", "email", "telephone"];
  const LABEL = "Prendre rendez-vous";
  const WAIT = 5000; // ms: later, a plain link does as well
  const WIDE = "(min-width: 48em)";
  const CSS = `:host{display:inline-block}:host([hidden]){display:none}
.b{display:inline-block;min-height:44px;box-sizing:border-box;padding:10px 18px;border:0;border-radius:6px;background:#0b6063;color:#fff;font:600 1rem/1.5 system-ui,sans-serif;text-decoration:none;cursor:pointer}
.b:hover{background:#07464a}.b:focus-visible,.x:focus-visible{outline:3px solid #a8480f;outline-offset:2px}
.p{display:block;margin:4px 0 0;font:.875rem/1.4 system-ui,sans-serif}
dialog{width:min(46rem,92vw);height:min(90vh,46rem);max-height:none;box-sizing:border-box;padding:0;border:1px solid #888;border-radius:10px;background:#fff;color:#13272b;overflow:hidden}
dialog::backdrop{background:rgba(0,0,0,.6)}
.t{display:flex;height:52px;align-items:center;justify-content:flex-end;padding:0 8px}
.x{min-height:44px;padding:0 14px;border:0;background:none;color:inherit;font:1rem system-ui,sans-serif;cursor:pointer}
dialog iframe{height:calc(100% - 52px)}iframe{display:block;width:100%;border:0}
:host([mode=integre]){display:block}
@media (prefers-color-scheme:dark){.b{background:#74d1cb;color:#04282a}.b:hover{background:#a8e6e0}.b:focus-visible,.x:focus-visible{outline-color:#f3ab6d}dialog{background:#142225;color:#e5efee}}`;

  const make = (tag, props) => Object.assign(document.createElement(tag), props);
  const query = (said) => {
    const kept = new URLSearchParams();
    for (const name of NAMES) if (said[name]) kept.set(name, said[name]);
    return kept;
  };
  const asked = new Map(); // the same question of several buttons is asked once
  function ask(said) {
    const about = query(said).toString();
    if (!asked.has(about)) {
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(), WAIT);
      const answer = fetch(`${HOUSE}/api/v1/button?${about}`, { credentials: "omit", signal: stop.signal })
        .then((response) => (response.ok ? response.json() : Promise.reject(new Error(`HTTP ${response.status}`))))
        .then((read) => (typeof Object(read).bookable === "boolean" ? read : Promise.reject(new Error("no answer"))))
        .finally(() => clearTimeout(timer));
      answer.catch(() => asked.delete(about)); // a failure may be asked again
      asked.set(about, answer);
    }
    return asked.get(about);
  }
  const link = (said) => `${HOUSE}/formation?${query(said)}`;
  // What is known of the person stays in the fragment: no server and no log reads it.
  const filled = (url, said) => {
    const known = new URLSearchParams();
    for (const name of PERSON) if (said[name]) known.set(name, said[name]);
    return known.toString() ? `${url}#${known}` : url;
  };
  const said = (element) => {
    const found = {};
    for (const name of [...NAMES, ...PERSON, "mode"]) {
      found[name] = element.getAttribute(name) || element.getAttribute(`data-rdv-${name}`) || "";
    }
    return found;
  };
  const ours = (url) => typeof url === "string" && url.startsWith(`${HOUSE}/`);

  function frame(teller, url, inline) {
    const inside = make("iframe", { title: `${LABEL} – RDV Apprentissage`, src: url });
    inside.height = inline ? "640" : "";
    const tell = (name, detail) => teller.dispatchEvent(new CustomEvent(`rdv:${name}`, { bubbles: true, composed: true, detail }));
    const hear = (event) => {
      if (event.origin !== HOUSE || event.source !== inside.contentWindow) return;
      const { rdv, valeur } = Object(event.data);
      if (rdv === "hauteur" && inline && valeur >= 200 && valeur <= 20000) {
        inside.height = String(Math.ceil(valeur));
        tell("hauteur", { hauteur: Math.ceil(valeur) });
      } else if (rdv === "envoye" || rdv === "reserve") tell(rdv);
      else if (rdv === "fermer") inside.dispatchEvent(new Event("rdv-close"));
    };
    addEventListener("message", hear);
    // Each page of the frame learns who its host is from this greeting, and answers nobody else.
    inside.addEventListener("load", () => inside.contentWindow.postMessage({ rdv: "bonjour" }, HOUSE));
    inside.forget = () => removeEventListener("message", hear);
    return inside;
  }

  function open(teller, root, url) {
    const dialog = make("dialog", {});
    if (!dialog.showModal) return false;
    dialog.setAttribute("aria-label", LABEL);
    const inside = frame(teller, url, false);
    const bar = make("div", { className: "t" });
    const close = make("button", { className: "x", type: "button", textContent: "Fermer ✕" });
    close.setAttribute("aria-label", "Fermer la prise de rendez-vous");
    const back = document.activeElement && document.activeElement.shadowRoot ? document.activeElement.shadowRoot.activeElement : document.activeElement;
    close.addEventListener("click", () => dialog.close());
    inside.addEventListener("rdv-close", () => dialog.close());
    dialog.addEventListener("close", () => {
      inside.forget();
      dialog.remove();
      if (back) back.focus();
      teller.dispatchEvent(new CustomEvent("rdv:ferme", { bubbles: true, composed: true }));
    });
    bar.append(close);
    dialog.append(bar, inside);
    root.append(dialog);
    dialog.showModal();
    inside.addEventListener("load", () => inside.focus(), { once: true });
    teller.dispatchEvent(new CustomEvent("rdv:ouvert", { bubbles: true, composed: true }));
    return true;
  }

  function styled(root) {
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS);
      root.adoptedStyleSheets = [sheet]; // no style-src of the host's policy is asked for this
    } catch (error) { /* an old browser: the button in its own look */ }
    return root;
  }

  // A click leads to the dialog where there is room; elsewhere the link is left to be a link.
  function onClick(teller, anchor, root, answer, about) {
    anchor.addEventListener("click", (event) => {
      const plain = event.button || event.metaKey || event.ctrlKey || event.shiftKey;
      if (plain || about.mode === "lien" || !ours(answer.frame_url) || !matchMedia(WIDE).matches) {
        teller.dispatchEvent(new CustomEvent("rdv:ouvert", { bubbles: true, composed: true }));
      } else if (open(teller, root(), filled(answer.frame_url, about))) event.preventDefault();
    });
  }
  const anchorTo = (url, label) => make("a", { className: "b", href: url, textContent: label, target: "_blank", rel: "noopener" });

  class Button extends HTMLElement {
    connectedCallback() {
      if (this.begun) return;
      this.begun = true;
      const about = said(this);
      const root = this.shadowRoot || styled(this.attachShadow({ mode: "open" }));
      ask(about).then((answer) => {
        root.textContent = "";
        this.hidden = !answer.bookable;
        if (!answer.bookable) return;
        if (!ours(answer.url)) throw new Error("address");
        if (about.mode === "integre" && ours(answer.frame_url)) root.append(frame(this, filled(answer.frame_url, about), true));
        else {
          const anchor = anchorTo(filled(answer.url, about), answer.label);
          if (answer.next_slot) {
            const next = make("span", { className: "p", textContent: answer.next_slot, id: "p" });
            anchor.setAttribute("aria-describedby", "p");
            root.append(anchor, next);
          } else root.append(anchor);
          onClick(this, anchor, () => root, answer, about);
        }
        this.dispatchEvent(new CustomEvent("rdv:affiche", { bubbles: true, composed: true, detail: { prochain: answer.next_slot } }));
      }).catch(() => {
        root.textContent = "";
        root.append(this.querySelector("a") ? make("slot", {}) : anchorTo(filled(link(about), about), LABEL));
      });
    }
  }
  if (!customElements.get("rdv-bouton")) customElements.define("rdv-bouton", Button);

  // « data-rdv-… » on any element: a link keeps its look and opens the dialog, another receives a button.
  const MARKED = ["cle", "rco", "parcoursup", "onisep", "affelnet", "siret"].map((name) => `[data-rdv-${name}]`).join();
  function draw() {
    for (const element of document.querySelectorAll(MARKED)) {
      if (element.rdv || element.localName === "rdv-bouton") continue;
      element.rdv = true;
      const about = said(element);
      if (element.localName !== "a") {
        const button = make("rdv-bouton", {});
        for (const [name, value] of Object.entries(about)) if (value) button.setAttribute(name, value);
        element.append(button);
        continue;
      }
      if (!element.getAttribute("href")) element.href = link(about);
      ask(about).then((answer) => {
        element.hidden = !answer.bookable;
        if (!answer.bookable) return;
        const root = () => styled(document.body.appendChild(make("div", {})).attachShadow({ mode: "open" }));
        onClick(element, element, root, answer, about);
      }).catch(() => {}); // its own address still works
    }
  }

  // The former service's widget: elements « .widget-prdv », a call, a promise of what each training is.
  window.initPrdvWidget = () => Promise.all([...document.querySelectorAll(".widget-prdv")].map(async (element) => {
    const { siret, cfd, referrer, idCleMinistereEducatif, idRcoFormation, idParcoursup, idActionFormation } = element.dataset;
    const about = { cle: idCleMinistereEducatif, rco: idRcoFormation, parcoursup: idParcoursup, onisep: idActionFormation,
      siret, cfd, origine: (referrer || "").toLowerCase(), prenom: element.dataset.candidatFirstname, nom: element.dataset.candidatLastname };
    let data = { error: "Prise de rendez-vous non disponible." };
    let url = link(about);
    try {
      const answer = await ask(about);
      url = answer.bookable && ours(answer.url) ? answer.url : "";
      if (url) data = { form_url: url, bookable: true, next_slot: answer.next_slot };
    } catch (error) { console.error(error); }
    element.textContent = "";
    if (url) element.append(make("a", { href: filled(url, about), title: LABEL, textContent: LABEL, target: "_blank", rel: "noopener" }));
    return { ...element.dataset, siret, cfd, referrer, data };
  }));

  window.rdvBouton = { dessiner: draw };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", draw);
  else draw();
})();
