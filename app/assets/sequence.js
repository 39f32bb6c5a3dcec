// Answers are numbered. One that arrives after a later one has put back what it updates: ask for the latest view.
(number) => {
  if (number >= (window.scffLensSequence || 0)) window.scffLensSequence = number;
  else document.querySelector('#resync')?.click();
}
