"""Pages of a folder in another language say so to browsers and screen readers."""

LANGUAGES = {"pt/": "pt-BR"}


def set_language(app, pagename, templatename, context, doctree):
    for folder, language in LANGUAGES.items():
        if pagename.startswith(folder):
            context["language"] = language


def setup(app):
    app.connect("html-page-context", set_language)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
