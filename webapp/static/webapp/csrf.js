// What a POST of ours needs. Kept apart from luce.js, which acts when it is loaded and must be loaded once.

/** @param {string} name @returns {string} the cookie's value, or "" */
function cookie(name) {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

/** The token that Django wants with a POST: the cookie's, as it may be newer than the page. @returns {string} */
export function csrfToken() {
  const headers = document.body.getAttribute("hx-headers");
  return cookie("csrftoken") || (headers ? JSON.parse(headers)["X-CSRFToken"] : "");
}
