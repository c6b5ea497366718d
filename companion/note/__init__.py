"""Pure text: no files, no clock, no network. Text in, needs and edits out."""
