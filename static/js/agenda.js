// Arrows in the table of the agenda: up and down within a day, left and right to the nearest hour of another; Home and End.
const table = document.querySelector("[data-grid]");

function columnOf(link) {
  return link.closest("td").cellIndex;
}

table?.addEventListener("keydown", (event) => {
  const here = event.target.closest(".rdv-event a");
  if (!here || event.altKey || event.ctrlKey || event.metaKey) return;
  const all = [...table.querySelectorAll(".rdv-event a")];
  const column = (index) => all.filter((link) => columnOf(link) === index);
  const mine = column(columnOf(here));
  const place = mine.indexOf(here);
  let next;
  if (event.key === "ArrowDown") next = mine[place + 1];
  else if (event.key === "ArrowUp") next = mine[place - 1];
  else if (event.key === "Home") next = mine[0];
  else if (event.key === "End") next = mine.at(-1);
  else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
    const step = event.key === "ArrowRight" ? 1 : -1;
    const row = here.closest("tr").rowIndex;
    const far = (link) => Math.abs(link.closest("tr").rowIndex - row);
    for (let index = columnOf(here) + step; index > 0 && index < table.rows[0].cells.length && !next; index += step) {
      next = column(index).sort((one, two) => far(one) - far(two))[0];
    }
  } else return;
  event.preventDefault();
  next?.focus();
});
