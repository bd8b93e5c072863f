// After Joseph Weizenbaum, "ELIZA - A Computer Program For the Study of Natural Language Communication Between Man And Machine",
// Communications of the ACM 9 (1966): the keyword of the highest rank decides, the rest of the sentence is turned to the other person.
'use strict';

const TURN = {
  i: 'you', me: 'you', my: 'your', mine: 'yours', myself: 'yourself', am: 'are', "i'm": 'you are', "i've": 'you have', was: 'were',
  you: 'I', your: 'my', yours: 'mine', yourself: 'myself', "you're": 'I am', are: 'am',
};

// [rank, pattern, answers]: of those with the same rank the first. $1 is what the pattern caught, turned.
const RULES = [
  [9, /\b(?:computer|machine|program)s?\b/i, ['Do computers worry you?', 'What do you think machines have to do with your problem?', 'Do you think computers can help people?']],
  [8, /\bi (?:remember|recall) (.*)/i, ['Do you often think of $1?', 'Does thinking of $1 bring anything else to mind?']],
  [7, /\bi(?: a|')m (.*)/i, ['Is it because you are $1 that you came to me?', 'How long have you been $1?', 'Do you believe it is normal to be $1?']],
  [7, /\bi (?:need|want) (.*)/i, ['What would it mean to you if you got $1?', 'Why do you want $1?', 'Suppose you got $1 soon. What then?']],
  [6, /\bi (?:feel|felt) (.*)/i, ['Tell me more about such feelings.', 'Do you often feel $1?', 'When you feel $1, what do you do?']],
  [6, /\bmy (mother|father|brother|sister|wife|husband|son|daughter|family)\b/i, ['Tell me more about your $1.', 'What comes to your mind when you think of your $1?']],
  [5, /\bi (?:can't|cannot) (.*)/i, ['How do you know that you cannot $1?', 'Have you tried?', 'Perhaps you could $1 now.']],
  [5, /\byou are (.*)/i, ['What makes you think I am $1?', 'Does it please you to believe I am $1?']],
  [4, /\bbecause (.*)/i, ['Is that the real reason?', 'Do any other reasons come to mind?', 'Does that reason seem to explain anything else?']],
  [3, /\bmy (.*)/i, ['Why do you say your $1?', 'Does that have anything to do with the fact that your $1?']],
  [2, /^(?:hello|hi|good (?:morning|day|evening))\b/i, ['How do you do. Please state your problem.']],
  [2, /\b(?:why|what|how|who|when|where)\b.*\?/i, ['Why do you ask?', 'Does that question interest you?', 'What answer would please you most?']],
  [1, /\b(yes|no)\b/i, ['You seem quite sure.', 'I see. Please go on.', 'Why so short?']],
];
const OTHERWISE = ['Please go on.', 'What does that suggest to you?', 'Do you feel strongly about discussing such things?'];

const turn = (text) => text.replace(/[.!?]+\s*$/, '').split(/\s+/).map((word) => TURN[word.toLowerCase()] ?? word).join(' ');

// Answers to the last of the sentences. What was said before decides which of several answers comes, so that none comes twice in a row;
// and when nothing fits, it comes back to something that was said of oneself earlier.
exports.reply = (said) => {
  const last = said.at(-1).trim();
  const [, pattern, answers] = RULES.filter(([, each]) => each.test(last)).sort((a, b) => b[0] - a[0])[0] ?? [0, null, OTHERWISE];
  const earlier = pattern === null ? said.slice(0, -1).find((each) => /\bmy\b/i.test(each)) : undefined;
  if (earlier) return `Earlier you said: "${earlier.trim()}" Does this have to do with it?`;
  const before = said.slice(0, -1).filter((each) => (pattern === null ? !RULES.some(([, other]) => other.test(each)) : pattern.test(each))).length;
  return answers[before % answers.length].replace('$1', () => turn(pattern?.exec(last)[1] ?? ''));
};
