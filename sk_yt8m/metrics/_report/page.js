(() => {
  const collator = new Intl.Collator(undefined, { numeric: true });
  const number = (text) => parseFloat(text.replaceAll(",", "").replace("∞", "Infinity"));

  // Missing values stay last in both directions.
  const compare = (a, b, sign) => {
    if (typeof a === "string") return sign * collator.compare(a, b);
    if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b);
    return a === b ? 0 : a < b ? -sign : sign;
  };

  const addSorting = (table) => {
    const body = table.tBodies[0];
    const headers = [...table.tHead.rows[0].cells];
    let rows = [...body.rows];
    headers.forEach((header, column) => {
      const kind = header.dataset.sort;
      if (!kind) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      const key = (row) => {
        const text = row.cells[column].textContent;
        return kind === "number" ? number(text) : text;
      };
      button.addEventListener("click", () => {
        const first = kind === "number" ? "descending" : "ascending";
        const other = kind === "number" ? "ascending" : "descending";
        const order = header.getAttribute("aria-sort") === first ? other : first;
        headers.forEach((one) => one.removeAttribute("aria-sort"));
        header.setAttribute("aria-sort", order);
        const keyed = rows.map((row) => [key(row), row]);
        keyed.sort((a, b) => compare(a[0], b[0], order === "ascending" ? 1 : -1));
        rows = keyed.map((pair) => pair[1]);
        body.append(...rows);
      });
    });
  };

  const addFilter = (form, table) => {
    const input = form.querySelector("input");
    const output = form.querySelector("output");
    const plain = (text) => text.normalize("NFKC").toLowerCase();
    const names = [...table.tHead.rows[0].cells].map((header) => header.dataset.sort !== "number");
    let rows;
    input.addEventListener("input", () => {
      rows ??= [...table.tBodies[0].rows].map((row) => [
        row,
        plain([...row.cells].filter((_, column) => names[column]).map((cell) => cell.textContent).join("\n")),
      ]);
      const wanted = plain(input.value.trim());
      let shown = 0;
      for (const [row, text] of rows) {
        row.hidden = !text.includes(wanted);
        shown += !row.hidden;
      }
      output.textContent = wanted ? `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")}` : "";
    });
    form.hidden = false;
  };

  for (const report of document.querySelectorAll(".sk-yt8m-report:not([data-ready])")) {
    report.dataset.ready = "";
    for (const table of report.querySelectorAll("table")) addSorting(table);
    for (const form of report.querySelectorAll(".filter")) {
      addFilter(form, form.nextElementSibling.querySelector("table"));
    }
  }
})();
