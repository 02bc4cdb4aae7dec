#include "form.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void need(int holds, const char *form, ...) {
    va_list rest;
    if (holds) return;
    va_start(rest, form);
    fprintf(stderr, "refused: ");
    vfprintf(stderr, form, rest);
    fprintf(stderr, "\n");
    exit(2);
}

/* ---- SHA-256, FIPS 180-4: its constants are the first 32 bits of the fractions of roots of primes ---- */

static uint32_t root(unsigned prime, int cube) {
    /* floor(2^32 * prime^(1/2 or 1/3)) mod 2^32, by trying the bits from the highest */
    unsigned __int128 x = 0;
    for (int bit = 36; bit >= 0; bit--) {
        unsigned __int128 y = x | (unsigned __int128)1 << bit, limit = (unsigned __int128)prime << 64;
        if (cube ? y * y <= (((unsigned __int128)prime << 96) - 1) / y : y * y <= limit) x = y;
    }
    return (uint32_t)x;
}

static uint32_t turn(uint32_t x, int k) { return x >> k | x << (32 - k); }

void sha256(const uint8_t *data, size_t size, char hex[65]) {
    uint32_t k[64], h[8], w[64];
    int count = 0;
    for (unsigned p = 2; count < 64; p++) {
        int prime = 1;
        for (unsigned d = 2; d * d <= p; d++) prime &= p % d != 0;
        if (!prime) continue;
        if (count < 8) h[count] = root(p, 0);
        k[count++] = root(p, 1);
    }
    size_t blocks = (size + 9 + 63) / 64;
    for (size_t block = 0; block < blocks; block++) {
        uint8_t b[64] = {0};
        for (int i = 0; i < 64; i++) {
            size_t at = block * 64 + i;
            b[i] = at < size ? data[at] : at == size ? 0x80 : at >= blocks * 64 - 8 ? (uint8_t)((uint64_t)size * 8 >> 8 * (blocks * 64 - 1 - at)) : 0;
        }
        for (int i = 0; i < 16; i++) w[i] = (uint32_t)b[4 * i] << 24 | b[4 * i + 1] << 16 | b[4 * i + 2] << 8 | b[4 * i + 3];
        for (int i = 16; i < 64; i++) {
            uint32_t a = w[i - 15], c = w[i - 2];
            w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] + (turn(c, 17) ^ turn(c, 19) ^ c >> 10);
        }
        uint32_t s[8];
        memcpy(s, h, sizeof s);
        for (int i = 0; i < 64; i++) {
            uint32_t x = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
            uint32_t y = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
            memmove(s + 1, s, 7 * sizeof *s);
            s[4] += x;
            s[0] = x + y;
        }
        for (int i = 0; i < 8; i++) h[i] += s[i];
    }
    for (int i = 0; i < 8; i++) sprintf(hex + 8 * i, "%08x", h[i]);
}

/* ---- JSON ---- */

static char *at;

static json value(int depth);

static int hex_digits(const char *s) {
    int x = 0;
    for (int i = 0; i < 4; i++) {
        const char *digit = s[i] ? strchr("0123456789abcdef", s[i]) : NULL;  /* json.dumps writes lower case */
        if (!digit) return -1;
        x = x * 16 + (int)(digit - "0123456789abcdef");
    }
    return x;
}

/* The next character of a text as it is written, or -1 at its closing quote; other ways to write it are refused. */
static long character(char **s) {
    unsigned char c = (unsigned char)*(*s)++;
    if (c == '"') return -1;
    need(c >= 0x20 && c < 0x80, "header: a character that is not printable ASCII");
    if (c != '\\') return c;
    c = (unsigned char)*(*s)++;
    const char *from = "\"\\bfnrt", *to = "\"\\\b\f\n\r\t", *found = c ? strchr(from, c) : NULL;
    if (found) return to[found - from];
    need(c == 'u', "header: an escape that JSON does not have");
    long x = hex_digits(*s);
    need(x >= 0 && (x >= 0x7f || (x < 0x20 && !strchr("\b\f\n\r\t", (int)x)) || x == 0), "header: an escape in another form");
    *s += 4;
    if (x >= 0xd800 && x < 0xdc00 && (*s)[0] == '\\' && (*s)[1] == 'u') {
        long y = hex_digits(*s + 2);
        if (y >= 0xdc00 && y < 0xe000) {
            *s += 6;
            return 0x10000 + ((x - 0xd800) << 10) + (y - 0xdc00);
        }
    }
    return x;
}

/* Order of two texts as they are written, by their characters. */
static int order(char *a, char *b) {
    long x, y;
    do {
        x = character(&a);
        y = character(&b);
    } while (x == y && x >= 0);
    return x < y ? -1 : x > y;
}

static char *quoted(void) {
    need(*at == '"', "header: a text was expected");
    char *start = ++at;
    while (character(&at) >= 0) {}
    return start;
}

static int is_printable(char *s) {
    for (long c; (c = character(&s)) >= 0;)
        if (c < 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0xad || (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f)
            || (c >= 0x205f && c <= 0x206f) || c == 0x3000 || c == 0x378 || c == 0x379 || (c >= 0xd800 && c <= 0xf8ff) || c == 0xfeff
            || (c & 0xfffe) == 0xfffe || c >= 0xe0000)  /* the most frequent of those that Unicode calls Other or Separator */
            return 0;
    return 1;
}

/* The text that Python's repr has for a float: the fewest digits that give it again. */
static void shortest(double x, char out[40]) {
    char digits[40];
    int precision = 0;
    do snprintf(digits, sizeof digits, "%.*e", precision, x); while (strtod(digits, NULL) != x && ++precision < 17);
    int exponent = atoi(strchr(digits, 'e') + 1);
    if (exponent >= -4 && exponent < 16) {
        snprintf(out, 40, "%.*f", precision > exponent ? precision - exponent : 1, x);
    } else {
        strcpy(out, digits);  /* C and Python both give the exponent two digits or more */
    }
}

static json number(void) {
    json made = {0};
    char *start = at;
    int negative = *at == '-';
    at += negative;
    need(*at >= '0' && *at <= '9', "header: a value was expected");
    need(*at != '0' || !(at[1] >= '0' && at[1] <= '9'), "header: a number that begins with 0");
    for (; *at >= '0' && *at <= '9'; at++)
        if (made.number < (wide)1 << 100) made.number = made.number * 10 + (*at - '0');
    if (*at != '.' && *at != 'e' && *at != 'E') {
        need(!negative || made.number, "header: -0");
        made.kind = 'i';
        if (negative) made.number = -made.number;
        return made;
    }
    char *end, text[40];
    double x = strtod(start, &end);
    shortest(x, text);
    need(x - x == 0 && (size_t)(end - start) == strlen(text) && !strncmp(start, text, strlen(text)), "header: a float in another form");
    at = end;
    made.kind = 'f';
    return made;
}

static json several(char open, int depth) {
    json made = {.kind = open == '{' ? 'o' : 'a'};
    char close = open == '{' ? '}' : ']';
    need(depth < 100, "header: too deep");
    at++;
    while (*at != close) {
        if (made.size) need(*at++ == ',', "header: a comma was expected");
        made.keys = realloc(made.keys, (made.size + 1) * sizeof *made.keys);
        made.items = realloc(made.items, (made.size + 1) * sizeof *made.items);
        if (open == '{') {
            made.keys[made.size] = quoted();
            need(!made.size || order(made.keys[made.size - 1], made.keys[made.size]) < 0, "header: keys that do not ascend");
            need(*at++ == ':', "header: a colon was expected");
        }
        made.items[made.size++] = value(depth + 1);
    }
    at++;
    return made;
}

static json value(int depth) {
    const char *words[] = {"true", "false", "null"};
    if (*at == '{' || *at == '[') return several(*at, depth);
    if (*at == '"') return (json){.kind = 's', .text = quoted()};
    for (int k = 0; k < 3; k++)
        if (!strncmp(at, words[k], strlen(words[k]))) {
            at += strlen(words[k]);
            return (json){.kind = k < 2 ? 't' : 'n', .number = k == 0};
        }
    return number();
}

json parse(char *text, size_t size) {
    at = text;
    json made = value(0);
    need(at == text + size, "header: something follows it");
    return made;
}

static int same(const char *written, const char *word, size_t length) { return !strncmp(written, word, length) && written[length] == '"'; }

json *find(json *object, const char *key) {
    need(object && object->kind == 'o', "header: %s is not in an object", key);
    for (int k = 0; k < object->size; k++)
        if (same(object->keys[k], key, strlen(key))) return &object->items[k];
    return NULL;
}

int64_t integer(json *object, const char *key, wide low, wide high) {
    json *found = find(object, key);
    need(found && found->kind == 'i', "%s is no integer", key);
    need(found->number >= low && found->number <= high, "%s is outside its range", key);
    return (int64_t)found->number;
}

int one_of(json *object, const char *key, const char *words) {
    json *found = find(object, key);
    need(found && found->kind == 's', "%s is no word", key);
    for (int which = 0;; which++) {
        size_t length = strcspn(words, " ");
        if (same(found->text, words, length)) return which;
        need(words[length], "%s is none of its words", key);
        words += length + 1;
    }
}

void keys(json *value, const char *names) {
    need(value && value->kind == 'o', "header: an object was expected, with %s", names);
    const char *rest = names;
    for (int k = 0; k < value->size; k++) {
        size_t length = strcspn(rest, " ");
        need(*rest && same(value->keys[k], rest, length), "header: the keys of an object are not %s", names);
        rest += length + (rest[length] == ' ');
    }
    need(!*rest, "header: the keys of an object are not %s", names);
}

int printable(json *value) { return value && value->kind == 's' && is_printable(value->text); }

int plain(json *value) {
    need(value && value->kind == 'o', "source is no object");
    for (int k = 0; k < value->size; k++) {
        json *item = &value->items[k];
        if (!is_printable(value->keys[k]) || !strchr("ifts", item->kind) || (item->kind == 's' && !is_printable(item->text))) return 0;
    }
    return 1;
}
