/** What makes `docs/index.md` the home page of the site. */
export const home = {
  layout: "home",
  title: "Spillway",
  titleTemplate: "The reliable consumer that Redis lists lack",
  hero: {
    name: "Spillway",
    text: "The reliable consumer that Redis lists lack",
    tagline:
      "Producers LPUSH. Your function on Lambda, Workers, Vercel, Netlify, Deno, Bun or Node drains the list, and no message is lost.",
    image: { src: "/hero.svg", alt: "" },
    actions: [
      { theme: "brand", text: "Start", link: "/start/lambda" },
      { theme: "alt", text: "How it works", link: "/concepts/message" },
      { theme: "alt", text: "Questions", link: "/faq" },
    ],
  },
  features: [
    {
      title: "Nothing is lost",
      details:
        "A function is killed, a reply never arrives: its messages return to the list, in their order.",
      link: "/concepts/lease",
      linkText: "Lease and fence",
    },
    {
      title: "An empty list costs one command",
      details: "No process waits. A tick that finds nothing asks Redis once, and ends.",
      link: "/concepts/chain",
      linkText: "The chain",
    },
    {
      title: "An outage makes no dead letters",
      details: "When everything fails, the list holds itself until one message succeeds again.",
      link: "/concepts/brake",
      linkText: "The brake",
    },
    {
      title: "Order, where you want it",
      details: "Strict, or by key: one customer's messages in order, all customers at once.",
      link: "/order",
      linkText: "Order",
    },
    {
      title: "Exactly once, in Redis",
      details: "A counter, a set, the next list: what changes with the acknowledgement changes once.",
      link: "/effects",
      linkText: "Effects",
    },
    {
      title: "Proved by breaking it",
      details: "Simulation, models, killed processes, and mutations of the protocol itself.",
      link: "/reliability",
      linkText: "Reliability",
    },
  ],
};
