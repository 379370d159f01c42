/* SPDX-License-Identifier: MIT
 *
 * Expressions:
 *
 *   filter    = [ states ] [ list ]                               both have to hold
 *   list      = term { [ "and" | "&" | "&&" | "or" | "|" | "||" ] term }     left to right
 *   term      = { "not" | "!" } ( "(" list ")" | condition | states )
 *   condition = "autobound" | subject [ comparison ] value
 *   states    = ( "state" | "exclude" ) value { ( "state" | "exclude" ) value }
 *
 * They are kept as steps of a stack machine, so that a long expression costs no recursion when it
 * runs; how deep parentheses may stand is limited.
 */
#include "sockets/expression.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_STEPS = 8, WORD_SHOWN = 64 };

struct ph__expression {
    struct ph__step *steps; /* owned */
    size_t count;
    size_t capacity;
    struct ph__arena texts; /* what conditions point to */
};

enum token_kind { TOKEN_END, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_OPERATOR, TOKEN_WORD };

struct token {
    enum token_kind kind;
    const char *text; /* without quotes */
    size_t size;
    const char *end; /* where the next one is looked for */
    size_t column;   /* from 1 */
};

struct parser {
    struct ph__expression *expression;
    const char *text;
    struct token token; /* the one to be looked at next */
    unsigned depth;
    char *problem;
    size_t problem_size;
};

static int fail(struct parser *parser, const char *wanted)
{
    const struct token *token = &parser->token;
    char found[WORD_SHOWN + 16] = "the end";
    if (token->kind != TOKEN_END) {
        size_t shown = token->size < WORD_SHOWN ? token->size : WORD_SHOWN;
        snprintf(found, sizeof found, "\"%.*s\"", (int)shown, token->text);
    }
    snprintf(parser->problem, parser->problem_size,
             "filter: column %zu: wanted is %s, found is %s.", token->column, wanted, found);
    return PH_ERR_PARAMETER;
}

/* Takes the token behind the present one. */
static void advance(struct parser *parser)
{
    static const char blanks[] = " \t\r\n";
    static const char operators[] = "=!<>&|";
    struct token *token = &parser->token;
    const char *at = token->end + strspn(token->end, blanks);
    *token = (struct token){.text = at, .column = (size_t)(at - parser->text) + 1};
    if (!*at) {
        token->kind = TOKEN_END;
    } else if (*at == '(' || *at == ')') {
        token->kind = *at == '(' ? TOKEN_OPEN : TOKEN_CLOSE;
        token->size = 1;
    } else if (strchr(operators, *at)) {
        token->kind = TOKEN_OPERATOR;
        bool doubled =
            at[1] == '=' ? *at != '&' && *at != '|' : at[1] == *at && (*at == '&' || *at == '|');
        token->size = doubled ? 2 : 1;
    } else if ((*at == '"' || *at == '\'') && strchr(at + 1, *at)) {
        token->kind = TOKEN_WORD;
        token->text = at + 1;
        token->size = (size_t)(strchr(at + 1, *at) - at) - 1;
        token->end = at + token->size + 2;
        return;
    } else {
        token->kind = TOKEN_WORD;
        bool is_path = *at == '/' || strncmp(at, "unix:", 5) == 0;
        token->size = strcspn(at, is_path ? " \t\r\n()" : " \t\r\n()=!<>&|");
    }
    token->end = at + token->size;
}

static bool token_is(const struct parser *parser, const char *wanted)
{
    const struct token *token = &parser->token;
    return (token->kind == TOKEN_WORD || token->kind == TOKEN_OPERATOR) &&
           token->size == strlen(wanted) && memcmp(token->text, wanted, token->size) == 0;
}

static int add_step(struct parser *parser, struct ph__step step)
{
    struct ph__expression *expression = parser->expression;
    if (expression->count == expression->capacity) {
        size_t capacity = expression->capacity ? expression->capacity * 2 : FIRST_STEPS;
        struct ph__step *steps = realloc(expression->steps, capacity * sizeof *steps);
        if (!steps) {
            return -ENOMEM;
        }
        expression->steps = steps;
        expression->capacity = capacity;
    }
    expression->steps[expression->count++] = step;
    return 0;
}

static int add_operation(struct parser *parser, enum ph__operation operation)
{
    return add_step(parser, (struct ph__step){.operation = operation});
}

static int add_condition(struct parser *parser, const struct ph__condition *condition)
{
    return add_step(
        parser, (struct ph__step){.operation = PH__OPERATION_CONDITION, .condition = *condition});
}

static bool parse_comparison(struct parser *parser, enum ph__comparison *ret_comparison)
{
    static const struct {
        const char *text;
        enum ph__comparison comparison;
    } comparisons[] = {
        {"=", PH__COMPARISON_EQUAL},
        {"==", PH__COMPARISON_EQUAL},
        {"eq", PH__COMPARISON_EQUAL},
        {"!=", PH__COMPARISON_NOT_EQUAL},
        {"ne", PH__COMPARISON_NOT_EQUAL},
        {"neq", PH__COMPARISON_NOT_EQUAL},
        {"<", PH__COMPARISON_LESS},
        {"lt", PH__COMPARISON_LESS},
        {"<=", PH__COMPARISON_LESS_OR_EQUAL},
        {"le", PH__COMPARISON_LESS_OR_EQUAL},
        {"leq", PH__COMPARISON_LESS_OR_EQUAL},
        {">", PH__COMPARISON_GREATER},
        {"gt", PH__COMPARISON_GREATER},
        {">=", PH__COMPARISON_GREATER_OR_EQUAL},
        {"ge", PH__COMPARISON_GREATER_OR_EQUAL},
        {"geq", PH__COMPARISON_GREATER_OR_EQUAL},
    };
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++) {
        if (token_is(parser, comparisons[i].text)) {
            *ret_comparison = comparisons[i].comparison;
            return true;
        }
    }
    return false;
}

/* The comparison, which may be left out. */
static int take_comparison(struct parser *parser, struct ph__condition *condition)
{
    if (!parse_comparison(parser, &condition->comparison)) {
        return 0;
    }
    if (condition->comparison > PH__COMPARISON_NOT_EQUAL &&
        !ph__condition_is_ordered(condition->subject)) {
        return fail(parser, "= or !=");
    }
    advance(parser);
    return 0;
}

static bool take_subject(struct parser *parser, enum ph__subject *ret_subject)
{
    const struct token *token = &parser->token;
    if (token->kind != TOKEN_WORD ||
        !ph__condition_subject(token->text, token->size, ret_subject)) {
        return false;
    }
    advance(parser);
    return true;
}

/* States are not compared, they are named; several in a row make up one set. */
static int parse_states(struct parser *parser, struct ph__condition *condition)
{
    for (bool first = true;; first = false) {
        const struct token *token = &parser->token;
        if (token->kind != TOKEN_WORD ||
            !ph__condition_add_states(condition, first, token->text, token->size)) {
            return fail(parser, ph__condition_accepted(condition->subject));
        }
        advance(parser);
        enum ph__subject subject;
        if (token->kind != TOKEN_WORD ||
            !ph__condition_subject(token->text, token->size, &subject) ||
            !ph__condition_is_state(subject)) {
            condition->subject = PH__SUBJECT_STATE;
            return 0;
        }
        condition->subject = subject;
        advance(parser);
    }
}

static int parse_value(struct parser *parser, struct ph__condition *condition)
{
    int err = take_comparison(parser, condition);
    if (err < 0) {
        return err;
    }
    const struct token *token = &parser->token;
    err = token->kind == TOKEN_WORD
              ? ph__condition_parse(condition, token->text, token->size, &parser->expression->texts)
              : PH_ERR_PARAMETER;
    if (err == PH_ERR_PARAMETER) {
        return fail(parser, ph__condition_accepted(condition->subject));
    }
    if (err == 0) {
        advance(parser);
    }
    return err;
}

static int parse_condition(struct parser *parser)
{
    struct ph__condition condition = {.comparison = PH__COMPARISON_EQUAL};
    if (!take_subject(parser, &condition.subject)) {
        return fail(parser, "one of state, exclude, sport, dport, src, dst, dev, fwmark, cgroup, "
                            "autobound, protocol, pid, command, user, unit, inode, not, or a "
                            "parenthesis");
    }
    int err = 0;
    if (ph__condition_is_state(condition.subject)) {
        err = parse_states(parser, &condition);
    } else if (condition.subject != PH__SUBJECT_AUTOBOUND) {
        err = parse_value(parser, &condition);
    }
    if (err < 0) {
        return err;
    }
    return add_condition(parser, &condition);
}

static int parse_list(struct parser *parser);

static int parse_parenthesis(struct parser *parser)
{
    if (parser->depth == PH__EXPRESSION_DEPTH) {
        return fail(parser, "a simpler expression than parentheses this deep");
    }
    parser->depth++;
    advance(parser);
    int err = parse_list(parser);
    if (err < 0) {
        return err;
    }
    if (parser->token.kind != TOKEN_CLOSE) {
        return fail(parser, "a closing parenthesis");
    }
    parser->depth--;
    advance(parser);
    return 0;
}

static int parse_term(struct parser *parser)
{
    bool negated = false;
    while (token_is(parser, "not") || token_is(parser, "!")) {
        negated = !negated;
        advance(parser);
    }
    int err =
        parser->token.kind == TOKEN_OPEN ? parse_parenthesis(parser) : parse_condition(parser);
    return err == 0 && negated ? add_operation(parser, PH__OPERATION_NOT) : err;
}

/* What joins two terms; nothing between them is "and". */
static enum ph__operation take_joint(struct parser *parser)
{
    if (token_is(parser, "or") || token_is(parser, "|") || token_is(parser, "||")) {
        advance(parser);
        return PH__OPERATION_OR;
    }
    if (token_is(parser, "and") || token_is(parser, "&") || token_is(parser, "&&")) {
        advance(parser);
    }
    return PH__OPERATION_AND;
}

static bool at_end(const struct parser *parser)
{
    return parser->token.kind == TOKEN_END || parser->token.kind == TOKEN_CLOSE;
}

static int parse_list(struct parser *parser)
{
    int err = parse_term(parser);
    while (err == 0 && !at_end(parser)) {
        enum ph__operation joint = take_joint(parser);
        err = parse_term(parser);
        if (err == 0) {
            err = add_operation(parser, joint);
        }
    }
    return err;
}

static bool at_joint(const struct parser *parser)
{
    return token_is(parser, "or") || token_is(parser, "|") || token_is(parser, "||") ||
           token_is(parser, "and") || token_is(parser, "&") || token_is(parser, "&&");
}

/* To ss, states in front are no part of the expression: "state listening sport = 1 or sport = 2"
 * has to listen on either. With "and" or "or" behind them, which ss refuses, they are. */
static int parse_filter(struct parser *parser)
{
    struct parser before = *parser;
    struct ph__condition states = {.comparison = PH__COMPARISON_EQUAL};
    if (!take_subject(parser, &states.subject) || !ph__condition_is_state(states.subject)) {
        *parser = before;
        return parse_list(parser);
    }
    int err = parse_states(parser, &states);
    if (err == 0 && at_joint(parser)) {
        *parser = before;
        return parse_list(parser);
    }
    if (err == 0) {
        err = add_condition(parser, &states);
    }
    if (err == 0 && !at_end(parser)) {
        err = parse_list(parser);
        err = err ? err : add_operation(parser, PH__OPERATION_AND);
    }
    return err;
}

int ph__expression_new(struct ph__expression **ret_expression, const char *text, char *problem,
                       size_t problem_size)
{
    struct ph__expression *expression = calloc(1, sizeof *expression);
    if (!expression) {
        return -ENOMEM;
    }
    struct parser parser = {.expression = expression,
                            .text = text,
                            .token = {.end = text},
                            .problem = problem,
                            .problem_size = problem_size};
    advance(&parser);
    int err = parser.token.kind == TOKEN_END ? 0 : parse_filter(&parser);
    if (err == 0 && parser.token.kind != TOKEN_END) {
        err = fail(&parser, "the end or another condition");
    }
    if (err < 0) {
        ph__expression_free(expression);
        return err;
    }
    *ret_expression = expression;
    return 0;
}

void ph__expression_free(struct ph__expression *expression)
{
    if (expression) {
        free(expression->steps);
        ph__arena_done(&expression->texts);
        free(expression);
    }
}

const struct ph__step *ph__expression_steps(const struct ph__expression *expression,
                                            size_t *ret_count)
{
    *ret_count = expression->count;
    return expression->steps;
}

bool ph__expression_needs_owners(const struct ph__expression *expression)
{
    for (size_t i = 0; i < expression->count; i++) {
        const struct ph__step *step = &expression->steps[i];
        if (step->operation == PH__OPERATION_CONDITION &&
            ph__condition_needs_owners(step->condition.subject)) {
            return true;
        }
    }
    return false;
}

bool ph__expression_is_told(const struct ph__expression *expression,
                            const struct ph_snapshot *snapshot)
{
    for (size_t i = 0; i < expression->count; i++) {
        const struct ph__step *step = &expression->steps[i];
        if (step->operation == PH__OPERATION_CONDITION &&
            !ph__condition_is_told(step->condition.subject, snapshot)) {
            return false;
        }
    }
    return true;
}

bool ph__expression_match(const struct ph__expression *expression,
                          const struct ph_snapshot *snapshot, const struct ph_socket *socket)
{
    bool stack[PH__EXPRESSION_STACK] = {false};
    size_t used = 0;
    for (size_t i = 0; i < expression->count; i++) {
        const struct ph__step *step = &expression->steps[i];
        switch (step->operation) {
        case PH__OPERATION_CONDITION:
            stack[used++] = ph__condition_match(&step->condition, snapshot, socket);
            break;
        case PH__OPERATION_NOT:
            stack[used - 1] = !stack[used - 1];
            break;
        case PH__OPERATION_AND:
            used--;
            stack[used - 1] = stack[used - 1] && stack[used];
            break;
        case PH__OPERATION_OR:
            used--;
            stack[used - 1] = stack[used - 1] || stack[used];
            break;
        }
    }
    return used == 0 || stack[0];
}
