// The service team's pages: what cannot be undone asks first. Flask-Admin's own way is an inline handler, which the CSP blocks.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});
