/* What a file is made of, before anything of it means something: bytes, their hash, and a header in the one JSON text that it may have. */

#ifndef FORM_H
#define FORM_H

#include <stddef.h>
#include <stdint.h>

typedef __int128 wide;

/* A value of the header. kind: o object, a list, s text, i integer, f float, t true or false, n null. */
typedef struct json {
    char kind;
    wide number;        /* of an integer; beyond 2^100 it stands still */
    char *text;         /* of a text, as it is written in the file, between its quotes */
    int size;           /* entries of an object or a list */
    char **keys;
    struct json *items;
} json;

/* Ends the program with code 2, nothing on standard output and this line on standard error, unless `holds`. */
void need(int holds, const char *form, ...);
void sha256(const uint8_t *data, size_t size, char hex[65]);
/* The only text of a JSON value that the pages allow: keys ascend, no spaces, numbers and escapes in one way; ends where `end` says. */
json parse(char *text, size_t size);
/* Entry of an object, or NULL. */
json *find(json *object, const char *key);
/* The same, which has to be an integer of low..high. */
int64_t integer(json *object, const char *key, wide low, wide high);
/* The entry has to be one of the words, given with spaces between; which one. */
int one_of(json *object, const char *key, const char *words);
/* The keys of an object have to be these, in ascending order with a space between. */
void keys(json *value, const char *names);
/* Whether it is a text without control characters and the like; whether it is an object of numbers, truth values and such texts. */
int printable(json *value);
int plain(json *value);

#endif
