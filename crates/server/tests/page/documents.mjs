// The documents that the page is tried with: ordinary ones, and every sort that could spoil a page.

const day = (number) =>
  `On day ${number} the ferry left the harbour at seven and came back at noon. The crew washed the lower deck, and the mate counted the passengers.`;
const days = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => day(from + i)).join("\n\n");

const places = [
  "bakery",
  "library",
  "harbour office",
  "swimming pool",
  "town hall",
  "market",
  "museum",
  "bus station",
  "post office",
  "school",
];
const news = ["opens at eight", "is closed for repairs", "has a new roof", "hired two people", "sells tickets"];

export const documents = [
  {
    id: "rules-draft",
    title: "Ferry rules, draft",
    text: "Dogs are not allowed on the upper deck.",
    metadata: { year: 2024 },
  },
  {
    id: "rules",
    title: "Ferry rules",
    text: "The ferry leaves the pier at nine in the morning. Dogs are allowed on the upper deck.",
    metadata: { year: 2025, line: "north" },
  },
  {
    id: "faq/dogs?",
    title: "Questions that passengers ask",
    text: "🐶🐕‍🦺 Can I bring my dog along when I travel on a Sunday? Yes 👍🏽, you can do that on each day of the week 🧺! Dogs are allowed on the upper deck. Cats travel in a basket.",
    metadata: {},
  },
  {
    id: "logbook",
    title: "The logbook of the Margarethe",
    text: `${days(1, 60)}\n\nDogs are allowed on the upper deck of the ferry.\n\n${days(61, 120)}`,
    metadata: { pages: 120 },
  },
  {
    id: "<img src=x onerror=document.title=1>",
    title: "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
    text: "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> Dogs are never allowed on the upper deck, <b>says</b> the captain. \u202edesrever",
    metadata: { "<b>name</b>": "<i>value</i>" },
  },
  {
    id: "arabic",
    title: "قواعد العبّارة",
    text: "يُسمح بالكلاب على السطح العلوي للعبّارة. Dogs are allowed on the upper deck. يرجى الاصطفاف عند الرصيف.",
    metadata: {},
  },
  {
    id: "unbroken",
    title: "Unbroken",
    text: `${"Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen".repeat(6)} Dogs may not enter the upper deck.`,
    metadata: {},
  },
  {
    id: "untitled",
    title: "",
    text: "Bicycles are carried free of charge on all ferries, and dogs travel at half the fare.",
    metadata: {},
  },
  ...places.flatMap((place, i) =>
    news.map((what, j) => ({
      id: `notice-${i * news.length + j + 1}`,
      title: `Notice ${i * news.length + j + 1}`,
      text: `The ${place} ${what}.`,
      metadata: { place },
    })),
  ),
];

export const question = "Dogs are allowed on the upper deck.";

// As `vetted index` reads them.
export const lines = documents.map(({ id, ...rest }) => `${JSON.stringify({ _id: id, ...rest })}\n`).join("");
