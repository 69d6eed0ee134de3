// What a statement may have of things for which Flink's parser takes more than linear time, or its stack. It stands
// between the parser and its lexer, so nothing reaches the parser that was not counted. `SqlReader.java` uses it.

import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.flink.sql.parser.impl.FlinkSqlParserImpl;
import org.apache.flink.sql.parser.impl.FlinkSqlParserImplConstants;
import org.apache.flink.sql.parser.impl.FlinkSqlParserImplTokenManager;
import org.apache.flink.sql.parser.impl.SimpleCharStream;
import org.apache.flink.sql.parser.impl.Token;

public final class SqlBounds extends FlinkSqlParserImplTokenManager {
    // Operators side by side are searched for the one that binds most, again for each of them: 2,000 take 15 ms, 8,000
    // 160 ms, 32,000 2.7 s. Each takes a part of the stack as well: 3,400 overflow it, and 500 ORs that of what plans.
    public static final int MOST_OPERATORS = 1000;
    // Each LIKE reads anew all that stands behind it: 100 take 5 ms, 200 32 ms, 400 200 ms.
    public static final int WEIGHT_OF_LIKE = 10;
    // As `ListCost` tells them, of all lists of a script; one takes 1 to 2 ns. In one list, 250 of `+a[1]` take 75 ms,
    // 500 1.2 s; 250 of `OR a BETWEEN b AND c` 120 ms, 500 1.4 s.
    public static final int MOST_STEPS = 100000000;
    // More for each: a megabyte of such lists then takes 3 s. Lists of 100 LIKEs took 5 s, those of 250 `+a[1]` 58 s.
    public static final int STEPS_A_CHARACTER = 1500;
    // A name is put together anew at each dot: 2,000 parts take 70 ms, 8,000 a second.
    public static final int MOST_PARTS = 100;
    // 4,000 take 0.1 s, 16,000 2 s.
    public static final int MOST_WHENS = 2000;
    // As operators are: 3,000 take 35 ms, 12,000 0.4 s and then the stack.
    public static final int MOST_QUERIES = 1000;
    // 64,000 take 0.1 s, 256,000 1.5 s. No type of Flink's has more than 38.
    public static final int MOST_DIGITS = 1000;
    // From 360 on the parser's stack overflows, the sooner the less of it has been compiled.
    public static final int DEEPEST = 100;

    private static final String BLANKS = " \t\n\u000B\f\r"; // to Flink's patterns

    private final FlinkSqlParserImpl parser;
    private final FlinkSqlParserImplTokenManager lexer;
    private final List levels = new ArrayList(); // the innermost last
    private Level level;
    private Token last;
    private Token before; // the one before it
    private Token first; // the one before that
    private int pending; // operators of all levels
    private int parts; // of the name that is being read
    private long steps; // for all lists of the script
    private long noted; // the steps when it was asked to note only
    private long read; // characters of tokens
    private Token place;
    private String excess;
    private boolean judging = true; // whether what is too much is told at once

    /** What stands between a bracket and its end, or CASE and END; or a statement. */
    private static final class Level {
        int opener;
        final ListCost list = new ListCost();
        int operators; // since the last comma or SELECT
        int queries;
        int whens;
    }

    /** Between a parser and the lexer that it has. */
    public SqlBounds(FlinkSqlParserImpl parser) {
        super(new SimpleCharStream(new StringReader("")));
        this.parser = parser;
        this.lexer = parser.token_source;
        begin();
    }

    /** The script that another parser has begun goes on. */
    public void goOn(SqlBounds other) {
        steps = other.steps;
        read = other.read;
    }

    /** Raises `IllegalStateException` at what is too much. */
    public Token getNextToken() {
        Token token = lexer.getNextToken();
        read += token.image.length();
        first = before;
        before = last;
        last = token;
        count(token);
        if (judging) {
            judge();
        }
        return token;
    }

    public void SwitchTo(int state) {
        lexer.SwitchTo(state);
    }

    /** Only note what is too much: no parser takes apart what comes next. */
    public void note() {
        judging = false;
        noted = steps;
    }

    /** It was taken without a parser. */
    public void forget() {
        judging = true;
        excess = null;
        steps = noted;
    }

    /** A parser is to take it, also what was noted. Raises `IllegalStateException`. */
    public void judge() {
        judging = true;
        if (excess != null) {
            throw new IllegalStateException(excess);
        }
    }

    /** The parser was out of stack. */
    public void overflow() {
        exceed(last, "It is nested too deeply for Flink's parser. Give inner parts a name, with CREATE VIEW, and write "
            + "IN (…) for many comparisons.");
    }

    /** What is too much of what, and what to do; null while nothing is. */
    public String excess() {
        return excess;
    }

    /** The first token that is too much. */
    public Token place() {
        return place;
    }

    /**
     * Whether Flink's pattern for SET, or for RESET, can match a text that begins with that word. It takes a time that
     * grows with the square of the text's length to find out that it does not.
     */
    public static boolean mayBeCommand(String text, boolean set) {
        String rest = text.substring(set ? "SET".length() : "RESET".length()).trim();
        if (rest.endsWith(";")) {
            rest = rest.substring(0, rest.length() - 1).trim();
        }
        if (rest.length() == 0) {
            return true;
        }
        return set ? isQuotedPair(rest) || isPair(rest) : rest.indexOf('\'') < 0 && firstBlank(rest) < 0;
    }

    /** A word, an equals sign and something in quotes, with blanks between them or none. */
    private static boolean isQuotedPair(String text) {
        int quote = text.indexOf('\'');
        if (quote < 0 || text.indexOf('\'', quote + 1) != text.length() - 1) {
            return false;
        }
        String head = text.substring(0, quote).trim();
        return head.endsWith("=") && firstBlank(head.substring(0, head.length() - 1).trim()) < 0;
    }

    /** A word, an equals sign and a word, with blanks between them or none. Either may have more such signs. */
    private static boolean isPair(String text) {
        int quote = text.indexOf('\''); // in the second word alone
        int first = firstBlank(text);
        int last = text.length() - 1;
        if (first < 0) {
            int equals = text.lastIndexOf('=', quote < 0 ? last - 1 : quote - 1);
            return equals > 0 && text.indexOf(';', equals) < 0;
        }
        while (BLANKS.indexOf(text.charAt(last)) < 0) {
            last--;
        }
        String middle = text.substring(first, last + 1).trim();
        boolean apart = middle.equals("=");
        boolean beside = middle.length() == 0 && (text.charAt(first - 1) == '=' || text.charAt(last + 1) == '=');
        return (apart || beside) && (quote < 0 || quote > last) && text.indexOf(';', last) < 0;
    }

    private static int firstBlank(String text) {
        for (int at = 0; at < text.length(); at++) {
            if (BLANKS.indexOf(text.charAt(at)) >= 0) {
                return at;
            }
        }
        return -1;
    }

    private void begin() {
        levels.clear();
        pending = 0;
        open(FlinkSqlParserImplConstants.SEMICOLON);
        parts = 0;
    }

    private void count(Token token) {
        countParts(token);
        switch (token.kind) {
            case FlinkSqlParserImplConstants.SEMICOLON:
            case FlinkSqlParserImplConstants.EOF:
                begin();
                break;
            case FlinkSqlParserImplConstants.COMMA:
            case FlinkSqlParserImplConstants.SELECT: // no expression goes on behind it
                divide();
                break;
            case FlinkSqlParserImplConstants.ON: // nor behind these, but they are keywords that count
            case FlinkSqlParserImplConstants.WHERE:
            case FlinkSqlParserImplConstants.HAVING:
            case FlinkSqlParserImplConstants.BY:
                operator(token);
                level.list.clear();
                break;
            case FlinkSqlParserImplConstants.LBRACKET: // also of an element: an operator
                operator(token);
                open(token.kind);
                break;
            case FlinkSqlParserImplConstants.LPAREN:
            case FlinkSqlParserImplConstants.LBRACE_D:
            case FlinkSqlParserImplConstants.LBRACE_T:
            case FlinkSqlParserImplConstants.LBRACE_TS:
            case FlinkSqlParserImplConstants.LBRACE_FN:
            case FlinkSqlParserImplConstants.LBRACE:
            case FlinkSqlParserImplConstants.CASE:
                open(token.kind);
                break;
            case FlinkSqlParserImplConstants.RPAREN:
            case FlinkSqlParserImplConstants.RBRACE:
            case FlinkSqlParserImplConstants.RBRACKET:
                closeBracket();
                break;
            case FlinkSqlParserImplConstants.END:
                close(FlinkSqlParserImplConstants.CASE);
                break;
            default:
                countWord(token);
        }
        if (levels.size() > DEEPEST + 1) { // the first is the statement
            exceed(token, "It is nested more than " + DEEPEST + " deep. Give inner parts a name, with CREATE VIEW.");
        }
    }

    private void countWord(Token token) {
        if (token.kind == FlinkSqlParserImplConstants.LT && beginsType(before)) {
            open(token.kind);
        } else if (token.kind == FlinkSqlParserImplConstants.GT && level.opener == FlinkSqlParserImplConstants.LT) {
            close(FlinkSqlParserImplConstants.LT);
        } else if (isArm(token) && level.opener == FlinkSqlParserImplConstants.CASE) {
            arm(token);
        } else if (joinsQueries(token)) {
            operator(token); // also of multisets
            if (++level.queries >= MOST_QUERIES) {
                exceed(token, "More than " + MOST_QUERIES + " queries are joined by UNION, INTERSECT or EXCEPT. Put "
                    + "some of them into views, or write an INSERT for each part.");
            }
        } else if (isTerm(token) || isWordAsName(token)) {
            if (token.image.length() > MOST_DIGITS && isNumber(token)) {
                exceed(token, "A number has more than " + MOST_DIGITS + " digits. Flink has no type for so many.");
            }
        } else if (token.kind != FlinkSqlParserImplConstants.DOT || !isAfterName()) {
            operator(token);
        }
    }

    private void countParts(Token token) {
        if (token.kind == FlinkSqlParserImplConstants.DOT) {
            if (++parts >= MOST_PARTS) {
                exceed(token, "A name has more than " + MOST_PARTS + " parts.");
            }
        } else if (before == null || before.kind != FlinkSqlParserImplConstants.DOT) {
            parts = 0;
        }
    }

    /** Keywords count as well: many are operators, and none come in thousands. So do those around a bracket. */
    private void operator(Token token) {
        int weight = isLike(token) || isTight(token) ? WEIGHT_OF_LIKE : 1;
        level.operators += weight;
        pending += weight;
        if (pending > MOST_OPERATORS) {
            exceed(token, "More than " + MOST_OPERATORS + " operators and keywords stand side by side, without a comma "
                + "or brackets between them (LIKE, and a hyphen without a blank, count for " + WEIGHT_OF_LIKE + "). "
                + "Write IN (…) for many comparisons, or put parts of it into brackets.");
        }
        steps += level.list.add(token.kind);
        if (steps > MOST_STEPS + STEPS_A_CHARACTER * read) {
            exceed(token, "Lists of operators with elements (x[1], f(x).y), BETWEEN or LIKE far behind in them are, "
                + "all together, too long for Flink's parser. Put parts of each into brackets, which it reads one by "
                + "one.");
        }
    }

    private void divide() {
        pending -= level.operators;
        level.operators = 0;
        level.list.clear();
    }

    private void arm(Token token) {
        divide();
        if (token.kind == FlinkSqlParserImplConstants.WHEN && ++level.whens > MOST_WHENS) {
            exceed(token, "A CASE has more than " + MOST_WHENS + " WHENs. Put the pairs into a table, and join it.");
        }
    }

    private void exceed(Token token, String why) {
        if (excess == null) {
            excess = why;
            place = token;
        }
    }

    private void open(int kind) {
        level = new Level();
        level.opener = kind;
        levels.add(level);
    }

    private void close(int kind) {
        if (level.opener == kind) {
            divide();
            levels.remove(levels.size() - 1);
            level = (Level) levels.get(levels.size() - 1);
        }
    }

    /** With what was opened in it and not closed, which the parser refuses. */
    private void closeBracket() {
        close(FlinkSqlParserImplConstants.LT);
        close(FlinkSqlParserImplConstants.CASE);
        if (levels.size() > 1) {
            close(level.opener);
        }
    }

    /** Whether a dot that comes now goes on with a name. Behind all else it is an operator: a literal, END, NULL, … */
    private boolean isAfterName() {
        if (before == null || before.kind >= FlinkSqlParserImplConstants.BRACKET_QUOTED_IDENTIFIER) {
            return true;
        }
        boolean ofInterval = first != null && isLiteral(first); // a unit: INTERVAL '1' WEEK
        return !ofInterval && isWord(before);
    }

    /** A word of some syntax that stands where a name may: not behind anything that an operator can follow. */
    private boolean isWordAsName(Token token) {
        boolean behindTerm = before != null && (isTerm(before) || isWord(before)
            || before.kind == FlinkSqlParserImplConstants.RPAREN || before.kind == FlinkSqlParserImplConstants.RBRACKET
            || before.kind == FlinkSqlParserImplConstants.RBRACE);
        return !behindTerm && isWord(token);
    }

    /** A keyword that may be a name as well, as `name` and `data` are. */
    private boolean isWord(Token token) {
        return parser.getMetadata().isNonReservedKeyword(token.image.toUpperCase(Locale.ROOT));
    }

    private static boolean beginsType(Token token) {
        return token != null && (token.kind == FlinkSqlParserImplConstants.ARRAY
            || token.kind == FlinkSqlParserImplConstants.MAP || token.kind == FlinkSqlParserImplConstants.MULTISET
            || token.kind == FlinkSqlParserImplConstants.ROW);
    }

    private static boolean isArm(Token token) {
        return token.kind == FlinkSqlParserImplConstants.WHEN || token.kind == FlinkSqlParserImplConstants.THEN
            || token.kind == FlinkSqlParserImplConstants.ELSE;
    }

    /** A hyphen right behind something: Flink's lexer looks for the end of a name with hyphens, at each anew. */
    private boolean isTight(Token token) {
        return token.kind == FlinkSqlParserImplConstants.MINUS && before != null && before.endLine == token.beginLine
            && before.endColumn + 1 == token.beginColumn;
    }

    private static boolean isLike(Token token) {
        return token.kind == FlinkSqlParserImplConstants.LIKE || token.kind == FlinkSqlParserImplConstants.ILIKE
            || token.kind == FlinkSqlParserImplConstants.RLIKE || token.kind == FlinkSqlParserImplConstants.SIMILAR;
    }

    private static boolean joinsQueries(Token token) {
        return token.kind == FlinkSqlParserImplConstants.UNION || token.kind == FlinkSqlParserImplConstants.INTERSECT
            || token.kind == FlinkSqlParserImplConstants.EXCEPT || token.kind == FlinkSqlParserImplConstants.SET_MINUS;
    }

    private static boolean isNumber(Token token) {
        return token.kind == FlinkSqlParserImplConstants.UNSIGNED_INTEGER_LITERAL
            || token.kind == FlinkSqlParserImplConstants.APPROX_NUMERIC_LITERAL
            || token.kind == FlinkSqlParserImplConstants.DECIMAL_NUMERIC_LITERAL;
    }

    /** A literal or a name. */
    private static boolean isTerm(Token token) {
        return isLiteral(token) || token.kind >= FlinkSqlParserImplConstants.BRACKET_QUOTED_IDENTIFIER;
    }

    private static boolean isLiteral(Token token) {
        return token.kind >= FlinkSqlParserImplConstants.UNSIGNED_INTEGER_LITERAL
            && token.kind < FlinkSqlParserImplConstants.LPAREN;
    }
}
