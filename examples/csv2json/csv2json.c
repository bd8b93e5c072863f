/* Converts CSV (RFC 4180) to a JSON array of objects, named by the first line. Standard input to standard output. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRONG_DATA = 65 }; /* EX_DATAERR of sysexits.h: the platform does not try again. */

struct text {
  char *bytes;
  size_t length, room;
};

struct row {
  struct text *fields;
  size_t count, room;
};

static int line = 1;

static void fail(const char *what) {
  fprintf(stderr, "line %d: %s\n", line, what);
  exit(WRONG_DATA);
}

static void *grow(void *memory, size_t *room, size_t size) {
  *room = *room ? *room * 2 : 16;
  memory = realloc(memory, *room * size);
  if (!memory) {
    fputs("out of memory\n", stderr);
    abort();
  }
  return memory;
}

static void add(struct text *text, char c) {
  if (text->length == text->room)
    text->bytes = grow(text->bytes, &text->room, 1);
  text->bytes[text->length++] = c;
}

static struct text *next_field(struct row *row) {
  if (row->count == row->room) {
    size_t before = row->room;
    row->fields = grow(row->fields, &row->room, sizeof *row->fields);
    memset(row->fields + before, 0, (row->room - before) * sizeof *row->fields);
  }
  row->fields[row->count].length = 0;
  return &row->fields[row->count++];
}

/* Reads one record; 0 at the end of the input. */
static int read_row(struct row *row) {
  int c = getchar();
  row->count = 0;
  if (c == EOF)
    return 0;
  for (;;) {
    struct text *field = next_field(row);
    if (c == '"') {
      for (;;) {
        c = getchar();
        if (c == EOF)
          fail("a quoted field has no end");
        if (c == '\n')
          line++;
        if (c == '"' && (c = getchar()) != '"')
          break;
        add(field, c);
      }
      if (c != ',' && c != '\r' && c != '\n' && c != EOF)
        fail("something follows a quoted field");
    } else {
      for (; c != ',' && c != '\r' && c != '\n' && c != EOF; c = getchar())
        add(field, c);
    }
    if (c == '\r' && (c = getchar()) != '\n' && c != EOF)
      fail("a carriage return is not followed by a line feed");
    if (c != ',') {
      line++;
      return 1;
    }
    c = getchar();
  }
}

static int is_number(const struct text *text) {
  size_t i = 0, n = text->length, digits;
  const char *s = text->bytes;
  if (i < n && s[i] == '-')
    i++;
  digits = i;
  while (i < n && isdigit((unsigned char)s[i]))
    i++;
  if (i == digits || (s[digits] == '0' && i - digits > 1))
    return 0;
  if (i < n && s[i] == '.') {
    digits = ++i;
    while (i < n && isdigit((unsigned char)s[i]))
      i++;
    if (i == digits)
      return 0;
  }
  return i == n;
}

static void print_string(const struct text *text) {
  putchar('"');
  for (size_t i = 0; i < text->length; i++) {
    unsigned char c = text->bytes[i];
    if (c == '"' || c == '\\')
      printf("\\%c", c);
    else if (c < 0x20)
      printf("\\u%04x", c);
    else
      putchar(c);
  }
  putchar('"');
}

int main(void) {
  struct row names = {0}, row = {0};
  int records = 0;
  if (!read_row(&names))
    fail("there is no first line with names");
  putchar('[');
  while (read_row(&row)) {
    if (row.count == 1 && row.fields[0].length == 0)
      continue;
    if (row.count != names.count) {
      line--;
      fail("there are more or fewer fields than names");
    }
    fputs(records++ ? ",{" : "{", stdout);
    for (size_t i = 0; i < row.count; i++) {
      if (i)
        putchar(',');
      print_string(&names.fields[i]);
      putchar(':');
      if (is_number(&row.fields[i]))
        fwrite(row.fields[i].bytes, 1, row.fields[i].length, stdout);
      else
        print_string(&row.fields[i]);
    }
    putchar('}');
  }
  puts("]");
  fprintf(stderr, "converted %d records\n", records);
  return 0;
}
