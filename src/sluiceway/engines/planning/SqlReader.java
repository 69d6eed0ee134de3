// Finds the statements of a script as Flink reads them. `jvm.py` has Flink compile this beside its own parser, with the
// compiler that it makes its plans with; that one knows no generics. Nothing here decides what may be part of a job.

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.Vector;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.parser.SqlParseException;
import org.apache.flink.sql.parser.ddl.SqlReset;
import org.apache.flink.sql.parser.ddl.SqlSet;
import org.apache.flink.sql.parser.dml.RichSqlInsert;
import org.apache.flink.sql.parser.dml.SqlExecute;
import org.apache.flink.sql.parser.dml.SqlStatementSet;
import org.apache.flink.sql.parser.impl.FlinkSqlParserImpl;
import org.apache.flink.sql.parser.impl.FlinkSqlParserImplConstants;
import org.apache.flink.sql.parser.impl.Token;
import org.apache.flink.table.operations.command.ResetOperation;
import org.apache.flink.table.operations.command.SetOperation;
import org.apache.flink.table.planner.parse.CalciteParser;
import org.apache.flink.table.planner.parse.ExtendedParser;

public class SqlReader {
    private static final int LONGEST_COMMAND = 16384; // that is looked for as its clients do; each looks so far for its end
    private static final int FRAME = 4; // EXECUTE STATEMENT SET BEGIN

    private CalciteParser calcite;
    private String body;
    private int most;
    private int[] lines; // where each of them starts
    private final List found = new ArrayList();
    private FlinkSqlParserImpl parser; // reads from `base` on
    private int base;
    private int baseLine; // from 0
    private int at; // where the statement begins that is being read, or the blanks before it

    /**
     * What the parser was expecting where it refuses, each once. It would compare whatever it adds, some 500 keywords
     * for each LIKE that ends there, with all that it has: 5 ms for each LIKE, 0.5 s for 100 of them.
     */
    private static final class Expected extends Vector {
        private final Set known = new HashSet();

        public void addElement(Object kinds) {
            if (known.add(Arrays.toString((int[]) kinds))) {
                super.addElement(kinds);
            }
        }

        public void removeAllElements() {
            known.clear();
            super.removeAllElements();
        }

        public Enumeration elements() { // nothing to compare with
            return Collections.emptyEnumeration();
        }
    }

    /**
     * The statements of a script, each a map of kind (the class of Flink's tree), text, line, column and words, or of
     * kind, key and value for a setting. After `most` of them comes one of kind "more"; where Flink's parser refuses
     * the rest, one of kind "refused" with its message; where `SqlBounds` does, one of kind "excess".
     */
    public static List read(Object calcite, String body, int most) throws Exception {
        SqlReader reader = new SqlReader();
        reader.calcite = (CalciteParser) calcite;
        reader.body = body;
        reader.most = most;
        reader.lines = linesOf(body);
        try {
            reader.parser = reader.over(body);
            reader.readAll();
        } catch (Throwable why) {
            reader.refuse(why);
        }
        return reader.found;
    }

    private void readAll() throws Throwable {
        while (true) {
            Token first = parser.getToken(1);
            while (first.kind == FlinkSqlParserImplConstants.SEMICOLON) {
                at = stop(parser.getNextToken());
                first = parser.getToken(1);
            }
            if (first.kind == FlinkSqlParserImplConstants.EOF) {
                return;
            }
            at = start(first);
            if (isFull()) {
                return;
            }
            if (!isCommand(first) || !tookCommand(first)) {
                readStatement(first);
            }
        }
    }

    /** Whether there are as many as are read. One more of them says so, and nothing comes behind it. */
    private boolean isFull() {
        if (found.size() == most) {
            found.add(entry("more"));
        }
        return found.size() > most;
    }

    private void readStatement(Token first) throws Throwable {
        SqlNode node = parser.SqlStmt();
        Token last = parser.getToken(0);
        if (!ends(parser.getToken(1))) {
            throw new IllegalStateException("A statement does not end where Flink ends it.");
        }
        if (node instanceof SqlSet) {
            setting(first, ((SqlSet) node).getKey() == null ? null : ((SqlSet) node).getKeyString(), node);
        } else if (node instanceof SqlReset) {
            setting(first, ((SqlReset) node).getKey() == null ? null : ((SqlReset) node).getKeyString(), node);
        } else if (node instanceof SqlExecute && ((SqlExecute) node).getStatement() instanceof SqlStatementSet) {
            readFrame(first, last);
        } else if (node instanceof SqlExecute && ((SqlExecute) node).getStatement() instanceof RichSqlInsert) {
            statement("RichSqlInsert", first.next, last);
        } else {
            statement(node.getClass().getSimpleName(), first, last);
        }
    }

    /** The INSERTs of EXECUTE STATEMENT SET BEGIN … END: no semicolon in it is anything but the end of one. */
    private void readFrame(Token first, Token last) {
        statement("SqlBeginStatementSet", first, first);
        Token begin = first;
        for (int skipped = 0; skipped < FRAME; skipped++) {
            begin = begin.next;
        }
        Token previous = begin;
        for (Token token = begin; token != last; token = token.next) {
            if (token.kind == FlinkSqlParserImplConstants.SEMICOLON) {
                if (isFull()) {
                    return;
                }
                statement("RichSqlInsert", begin, previous);
                begin = token.next;
            }
            previous = token;
        }
        if (!isFull()) {
            statement("SqlEndStatementSet", last, last);
        }
    }

    private static boolean isCommand(Token first) {
        return first.kind == FlinkSqlParserImplConstants.SET || first.kind == FlinkSqlParserImplConstants.RESET;
    }

    private boolean tookCommand(Token first) throws Throwable {
        SqlBounds bounds = bounds(parser);
        bounds.note();
        if (readCommand(first)) {
            bounds.forget();
            return true;
        }
        bounds.judge();
        return false;
    }

    /**
     * SET and RESET as Flink's clients read them before its grammar does: by patterns, from the text as it is written.
     * Two slashes begin no comment then. False: it is not of that form.
     */
    private boolean readCommand(Token first) throws Throwable {
        int written = written(at);
        if (written >= 0 && recordCommand(first, body.substring(at, written))) {
            goOnAt(first, written);
            return true;
        }
        Token last = first;
        while (!ends(after(last))) {
            last = after(last);
            if (bounds(parser).excess() != null) { // Flink's lexer, too, is quadratic in the parts of a name
                return false;
            }
        }
        if (stop(last) - at > LONGEST_COMMAND || !recordCommand(first, body.substring(at, stop(last)))) {
            return false;
        }
        skipTo(after(last));
        return true;
    }

    /** Go on with a semicolon, or the end, that Flink's lexer may have taken for a part of a comment. */
    private void goOnAt(Token first, int offset) throws Exception {
        if (body.substring(at, offset).indexOf("//") < 0) { // else it would read on to the end of the line
            Token token = first;
            while (token.kind != FlinkSqlParserImplConstants.EOF && start(token) < offset) {
                if (bounds(parser).excess() != null) {
                    break;
                }
                token = after(token);
            }
            if (token.kind != FlinkSqlParserImplConstants.EOF && start(token) == offset) {
                skipTo(token);
                return;
            }
        }
        base = offset;
        while (baseLine + 1 < lines.length && lines[baseLine + 1] > 0 && lines[baseLine + 1] <= offset) {
            baseLine++;
        }
        FlinkSqlParserImpl next = over(body.substring(offset));
        bounds(next).goOn(bounds(parser));
        parser = next;
    }

    /** Where the first semicolon outside of quotes stands, or the end; -1 after a comment, or when it is too far. */
    private int written(int from) {
        boolean quoted = false;
        for (int at = from; at < body.length(); at++) {
            char letter = body.charAt(at);
            if (at - from > LONGEST_COMMAND) {
                return -1;
            }
            if (letter == '\'') {
                quoted = !quoted;
            } else if (!quoted && letter == ';') {
                return at;
            } else if (!quoted && (body.startsWith("--", at) || body.startsWith("/*", at))) {
                return -1;
            }
        }
        return body.length();
    }

    private boolean recordCommand(Token first, String text) {
        if (!SqlBounds.mayBeCommand(text, first.kind == FlinkSqlParserImplConstants.SET)) {
            return false;
        }
        Optional operation = ExtendedParser.INSTANCE.parse(text);
        if (!operation.isPresent()) {
            return false;
        }
        Map entry;
        if (operation.get() instanceof SetOperation) {
            SetOperation set = (SetOperation) operation.get();
            entry = entry("SqlSet");
            entry.put("key", set.getKey().orElse(null));
            entry.put("value", set.getValue().orElse(null));
        } else {
            entry = entry("SqlReset");
            entry.put("key", ((ResetOperation) operation.get()).getKey().orElse(null));
        }
        place(entry, first);
        return found.add(entry);
    }

    private void setting(Token first, String key, SqlNode node) {
        Map entry = entry(node.getClass().getSimpleName());
        entry.put("key", key);
        if (node instanceof SqlSet && key != null) {
            entry.put("value", ((SqlSet) node).getValueString());
        }
        place(entry, first);
        found.add(entry);
    }

    private void statement(String kind, Token first, Token last) {
        Map entry = entry(kind);
        place(entry, first);
        entry.put("text", body.substring(start(first), stop(last)));
        List words = new ArrayList();
        for (Token token = first; ; token = token.next) {
            String word = word(token);
            if (word != null) {
                words.add(word);
            }
            if (token == last) {
                break;
            }
        }
        entry.put("words", words);
        found.add(entry);
    }

    /** A name, a keyword or a mark; null for literals. */
    private static String word(Token token) {
        String image = token.image;
        if (token.kind == FlinkSqlParserImplConstants.BACK_QUOTED_IDENTIFIER) {
            return image.substring(1, image.length() - 1).replace("``", "`");
        }
        char first = image.charAt(0);
        boolean literal = image.indexOf('\'') >= 0 || first >= '0' && first <= '9';
        return literal ? null : image;
    }

    private void refuse(Throwable why) throws Exception {
        SqlBounds bounds = bounds(parser);
        if (why instanceof StackOverflowError) {
            bounds.overflow();
        }
        if (bounds.excess() == null) {
            refuseInFlinksWords(why);
            return;
        }
        Map entry = entry("excess");
        place(entry, bounds.place());
        entry.put("text", bounds.excess());
        found.add(entry);
    }

    /** With its places, for which the parser has to see the lines before. */
    private void refuseInFlinksWords(Throwable why) throws Exception {
        Map entry = entry("refused");
        FlinkSqlParserImpl again = over(blank(body, at) + body.substring(at));
        try {
            again.parseSqlStmtList();
            entry.put("text", String.valueOf(why.getMessage()));
        } catch (Throwable said) {
            SqlParseException refusal = again.normalizeException(said);
            entry.put("text", String.valueOf(refusal.getMessage()));
            if (refusal.getPos() != null) {
                entry.put("line", Integer.valueOf(refusal.getPos().getLineNum()));
                entry.put("column", Integer.valueOf(refusal.getPos().getColumnNum()));
            }
        }
        found.add(entry);
    }

    /** What stands before an offset without anything but its line ends. */
    private static String blank(String body, int offset) {
        char[] text = body.substring(0, offset).toCharArray();
        for (int at = 0; at < offset; at++) {
            if (text[at] != '\n' && text[at] != '\r') {
                text[at] = ' ';
            }
        }
        return new String(text);
    }

    private static Map entry(String kind) {
        Map entry = new HashMap();
        entry.put("kind", kind);
        return entry;
    }

    private void place(Map entry, Token token) {
        int line = baseLine + token.beginLine - 1;
        entry.put("line", Integer.valueOf(line + 1));
        entry.put("column", Integer.valueOf(start(token) - lines[line] + 1));
    }

    private Token after(Token token) {
        if (token.next == null) {
            token.next = parser.token_source.getNextToken();
        }
        return token.next;
    }

    private void skipTo(Token token) {
        while (parser.getToken(1) != token) {
            parser.getNextToken();
        }
    }

    private static boolean ends(Token token) {
        return token.kind == FlinkSqlParserImplConstants.SEMICOLON || token.kind == FlinkSqlParserImplConstants.EOF;
    }

    private int start(Token token) {
        return offset(token.beginLine, token.beginColumn - 1);
    }

    private int stop(Token token) {
        return offset(token.endLine, token.endColumn);
    }

    private int offset(int line, int column) {
        return (line == 1 ? base : lines[baseLine + line - 1]) + column;
    }

    private FlinkSqlParserImpl over(String text) throws Exception {
        Method make = CalciteParser.class.getDeclaredMethod("createFlinkParser", new Class[] {String.class});
        make.setAccessible(true);
        FlinkSqlParserImpl made = (FlinkSqlParserImpl) make.invoke(calcite, new Object[] {text});
        made.token_source = new SqlBounds(made);
        Field expected = FlinkSqlParserImpl.class.getDeclaredField("jj_expentries");
        expected.setAccessible(true);
        expected.set(made, new Expected());
        return made;
    }

    private static SqlBounds bounds(FlinkSqlParserImpl parser) {
        return (SqlBounds) parser.token_source;
    }

    /** Lines end as they do for Flink's lexer: with LF, CR, or CR and LF. */
    private static int[] linesOf(String body) {
        int count = 1;
        int[] starts = new int[body.length() + 1];
        for (int at = 0; at < body.length(); at++) {
            char letter = body.charAt(at);
            boolean both = letter == '\r' && at + 1 < body.length() && body.charAt(at + 1) == '\n';
            if ((letter == '\n' || letter == '\r') && !both) {
                starts[count++] = at + 1;
            }
        }
        return starts;
    }
}
