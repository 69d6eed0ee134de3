// How many steps Flink's parser takes to put one list of operators into order. `SqlBounds.java` adds them up.
//
// Calcite's PrecedenceClimbingParser has operators and operands in one chain. For each operator it walks the chain to
// find the one that binds most: the square of the length. For what it calls special (an element in brackets, a field
// behind a dot, LIKE, BETWEEN) it also looks for the operator's index (TokenList.indexOf): at each token up to there it
// walks to that token and counts the whole chain. That is the place times the length, so the cube of the length. The
// place is what is left before it. Accesses to elements bind most, so all else is; LIKE and BETWEEN find those before
// them put together already, up to the last AND or OR.

import org.apache.flink.sql.parser.impl.FlinkSqlParserImplConstants;

public final class ListCost {
    private long operators;
    private long lower; // of them, all but accesses to elements
    private long open; // of these, what is there when a LIKE or a BETWEEN that comes next is looked for
    private long chain; // of these, the LIKEs since the last AND or OR
    private long betweens; // whose AND has not come
    private long places; // of all special operators together: each of them counts what comes behind it, too
    private int last;

    /** The steps that one more operator makes, by the kind of its token. A dot, or a bracket, is an access. */
    public long add(int kind) {
        boolean negated = last == FlinkSqlParserImplConstants.NOT;
        last = kind;
        switch (kind) {
            case FlinkSqlParserImplConstants.LBRACKET:
            case FlinkSqlParserImplConstants.DOT:
                return special(lower);
            case FlinkSqlParserImplConstants.LIKE:
            case FlinkSqlParserImplConstants.ILIKE:
            case FlinkSqlParserImplConstants.RLIKE:
            case FlinkSqlParserImplConstants.SIMILAR:
                chain++;
                return predicate(negated);
            case FlinkSqlParserImplConstants.BETWEEN:
                betweens++;
                return predicate(negated);
            case FlinkSqlParserImplConstants.AND:
            case FlinkSqlParserImplConstants.OR:
                return join(kind == FlinkSqlParserImplConstants.AND && betweens > 0);
            default:
                lower++;
                open++;
                return plain();
        }
    }

    /** Another list begins. */
    public void clear() {
        operators = 0;
        lower = 0;
        open = 0;
        chain = 0;
        betweens = 0;
        places = 0;
        last = 0;
    }

    private long predicate(boolean negated) {
        if (negated) { // one operator with its NOT
            operators--;
            lower--;
            open--;
        }
        long steps = special(open);
        lower++;
        open++;
        return steps;
    }

    private long join(boolean ofBetween) {
        open += ofBetween ? -1 : 1;
        open -= chain;
        chain = 0;
        betweens -= ofBetween ? 1 : 0;
        lower++;
        return plain();
    }

    private long special(long before) {
        long place = 2 * before;
        long steps = place * (2 * operators + place / 2) + plain();
        places += place;
        return steps;
    }

    private long plain() {
        return 4 * operators++ + 2 * places;
    }
}
