// SPDX-License-Identifier: BSD-2-Clause
package org.pea.fiji;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the record of a model and writes that of a new one: objects are maps, arrays lists, numbers {@link Double}.
 * Small, because the library has checked every record that gets here.
 */
final class Json {
    private static final int DEEPEST = 32;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** @throws IllegalArgumentException with the place where it is no JSON */
    static Object read(String text) {
        Json json = new Json(text);
        Object value = json.value(0);
        json.blanks();
        if (json.at < text.length())
            throw json.wrong("the end");
        return value;
    }

    /** The text at a path of keys; empty where there is none. */
    static String text(Object value, String... path) {
        for (String key : path)
            value = value instanceof Map ? ((Map<?, ?>) value).get(key) : null;
        return value == null ? "" : value instanceof Double ? number((Double) value) : value.toString();
    }

    static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15 ? String.valueOf((long) value)
                : String.valueOf(value);
    }

    /** A text as JSON writes it, with its quotes. */
    static String quote(String value) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : value.toCharArray())
            if (c == '"' || c == '\\')
                out.append('\\').append(c);
            else if (c < ' ')
                out.append(String.format("\\u%04x", (int) c));
            else
                out.append(c);
        return out.append('"').toString();
    }

    private Object value(int depth) {
        if (depth > DEEPEST)
            throw wrong("fewer levels");
        blanks();
        char c = at < text.length() ? text.charAt(at) : 0;
        switch (c) {
            case '{':
                return object(depth);
            case '[':
                return array(depth);
            case '"':
                return string();
            case 't':
                return word("true", true);
            case 'f':
                return word("false", false);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Map<String, Object> object(int depth) {
        Map<String, Object> map = new LinkedHashMap<>();
        at++;
        while (!taken('}')) {
            if (!map.isEmpty())
                need(',');
            blanks();
            String key = string();
            need(':');
            map.put(key, value(depth + 1));
        }
        return map;
    }

    private List<Object> array(int depth) {
        List<Object> list = new ArrayList<>();
        at++;
        while (!taken(']')) {
            if (!list.isEmpty())
                need(',');
            list.add(value(depth + 1));
        }
        return list;
    }

    private String string() {
        need('"');
        StringBuilder out = new StringBuilder();
        while (at < text.length() && text.charAt(at) != '"') {
            char c = text.charAt(at++);
            out.append(c == '\\' ? escaped() : c);
        }
        need('"');
        return out.toString();
    }

    private char escaped() {
        char c = at < text.length() ? text.charAt(at++) : 0;
        int plain = "bfnrt".indexOf(c);
        if (plain >= 0)
            return "\b\f\n\r\t".charAt(plain);
        if (c != 'u')
            return c;
        if (at + 4 > text.length() || !text.substring(at, at + 4).matches("[0-9a-fA-F]{4}"))
            throw wrong("four hexadecimal digits");
        at += 4;
        return (char) Integer.parseInt(text.substring(at - 4, at), 16);
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at))
            throw wrong("a value");
        at += word.length();
        return value;
    }

    private Double number() {
        int from = at;
        while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0)
            at++;
        try {
            return Double.valueOf(text.substring(from, at));
        } catch (NumberFormatException e) {
            throw wrong("a value");
        }
    }

    private boolean taken(char c) {
        blanks();
        boolean here = at < text.length() && text.charAt(at) == c;
        if (here)
            at++;
        return here;
    }

    private void need(char c) {
        if (!taken(c))
            throw wrong("'" + c + "'");
    }

    private void blanks() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0)
            at++;
    }

    private IllegalArgumentException wrong(String expected) {
        return new IllegalArgumentException("no JSON: expected " + expected + " at character " + at);
    }
}
