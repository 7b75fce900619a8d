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
        "If a function is killed, its messages return to the list, in their order. A lost reply runs nothing twice.",
      link: "/concepts/lease",
      linkText: "Lease and fence",
    },
    {
      title: "An empty list costs one command",
      details: "No process waits. A call by the schedule that finds nothing asks Redis once, and ends.",
      link: "/concepts/chain",
      linkText: "The chain",
    },
    {
      title: "An outage makes no dead letters",
      details: "When everything fails, the list waits until one message succeeds again.",
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
      details:
        "Redis commands that run together with the acknowledgement: a counter, a set, a push to the next list.",
      link: "/effects",
      linkText: "Effects",
    },
    {
      title: "Tested by breaking it",
      details: "Simulations, models, killed processes, and faults put into the protocol on purpose.",
      link: "/reliability",
      linkText: "Reliability",
    },
  ],
};
