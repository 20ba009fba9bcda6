<?php
// What PHP itself says of a tree of classes: reflection for signatures, its own tokens for dependencies.
// Usage: php reflect.php ROOT < list of files, one a line. Prints JSON.
declare(strict_types=1);
error_reporting(E_ALL & ~E_DEPRECATED);

$root = rtrim($argv[1], '/');
$files = array_values(array_filter(array_map('trim', file('php://stdin'))));

/** Declarations and names of one file, by PHP's tokens. */
function scan(string $code): array
{
    $tokens = array_values(array_filter(
        PhpToken::tokenize($code),
        fn (PhpToken $t) => !$t->is([T_WHITESPACE, T_COMMENT, T_OPEN_TAG]),
    ));
    $namespace = '';
    $uses = [];
    $declared = [];
    $names = [];
    $stubs = [];
    $kinds = [T_CLASS => 'class', T_INTERFACE => 'interface', T_TRAIT => 'trait', T_ENUM => 'enum'];
    $nameTokens = [T_STRING, T_NAME_QUALIFIED, T_NAME_FULLY_QUALIFIED, T_NAME_RELATIVE, T_STATIC, T_ARRAY, T_CALLABLE];
    $resolve = function (string $name) use (&$namespace, &$uses): ?string {
        if (in_array(strtolower($name), ['self', 'static', 'parent', 'array', 'callable', 'int', 'string', 'bool',
            'float', 'mixed', 'void', 'never', 'null', 'iterable', 'object', 'true', 'false'], true)) {
            return null;
        }
        if ($name[0] === '\\') {
            return substr($name, 1);
        }
        $parts = explode('\\', $name, 2);
        if (strtolower($parts[0]) === 'namespace' && isset($parts[1])) {
            return ltrim($namespace . '\\' . $parts[1], '\\');
        }
        $alias = $uses[strtolower($parts[0])] ?? null;
        if ($alias !== null) {
            return isset($parts[1]) ? $alias . '\\' . $parts[1] : $alias;
        }
        return ltrim($namespace . '\\' . $name, '\\');
    };
    $add = function (string $name) use (&$names, $resolve): ?string {
        $full = $resolve($name);
        if ($full !== null) {
            $names[$full] = true;
        }
        return $full;
    };
    $count = count($tokens);
    $braces = 0;
    $classes = [];
    $pending = false;
    for ($i = 0; $i < $count; $i++) {
        $t = $tokens[$i];
        $next = $tokens[$i + 1] ?? null;
        $previous = $tokens[$i - 1] ?? null;
        if ($t->text === '{' || $t->is([T_CURLY_OPEN, T_DOLLAR_OPEN_CURLY_BRACES])) {
            $braces++;
            if ($pending) {
                $classes[] = $braces;
                $pending = false;
            }
        } elseif ($t->text === '}') {
            if ($classes && end($classes) === $braces) {
                array_pop($classes);
            }
            $braces--;
        } elseif ($t->is(T_NAMESPACE) && $next && $next->is([T_STRING, T_NAME_QUALIFIED])) {
            $namespace = $next->text;
            $uses = [];
        } elseif ($t->is(T_USE) && !$classes && $previous?->text !== ')') {
            $text = '';
            for ($i++; $tokens[$i]->text !== ';'; $i++) {
                $text .= ($text === '' ? '' : ' ') . $tokens[$i]->text;
            }
            if (preg_match('/^(function|const)\b/', $text)) {
                continue;
            }
            $text = preg_replace('/\s*([\\\\{},])\s*/', '$1', $text);
            [$prefix, $group] = str_contains($text, '{') ? explode('{', rtrim($text, '} ')) : ['', $text];
            foreach (explode(',', $group) as $clause) {
                if (trim($clause) === '' || preg_match('/^(function|const)\b/', trim($clause))) {
                    continue;
                }
                $words = preg_split('/\s+as\s+/i', trim($clause));
                $full = ltrim($prefix . $words[0], '\\');
                $alias = $words[1] ?? substr(strrchr('\\' . $full, '\\'), 1);
                $uses[strtolower($alias)] = $full;
            }
        } elseif ($t->is(T_USE) && $classes && end($classes) === $braces) {
            for ($i++; !in_array($tokens[$i]->text, [';', '{'], true); $i++) {
                if ($tokens[$i]->is($nameTokens)) {
                    $stubs[$add($tokens[$i]->text)] = 'trait';
                }
            }
            if ($tokens[$i]->text === '{') {
                while ($tokens[$i]->text !== '}') {
                    $i++;
                }
            }
        } elseif (isset($kinds[$t->id]) && $previous?->id !== T_DOUBLE_COLON
            && $next && ($next->is(T_STRING) || $t->is(T_CLASS)) && !($t->is(T_ENUM) && !$next->is(T_STRING))) {
            $kind = $kinds[$t->id];
            if ($next->is(T_STRING)) {
                $declared[ltrim($namespace . '\\' . $next->text, '\\')] = $kind;
            }
            $pending = true;
            $clause = null;
            for ($j = $i + 1; $tokens[$j]->text !== '{'; $j++) {
                if ($tokens[$j]->text === '(') {
                    for ($depth = 1, $j++; $depth > 0; $j++) {
                        $depth += ['(' => 1, ')' => -1][$tokens[$j]->text] ?? 0;
                    }
                    $j--;
                    continue;
                }
                if ($tokens[$j]->is([T_EXTENDS, T_IMPLEMENTS])) {
                    $clause = $tokens[$j]->is(T_IMPLEMENTS) || $kind === 'interface' ? 'interface' : 'class';
                } elseif ($clause !== null && $tokens[$j]->is($nameTokens)) {
                    $stubs[$add($tokens[$j]->text)] = $clause;
                }
            }
        } elseif ($t->is([T_NEW, T_INSTANCEOF]) && $next && $next->is($nameTokens)) {
            $add($next->text);
        } elseif ($t->is(T_ATTRIBUTE)) {
            $depth = 0;
            $expected = true;
            for ($j = $i + 1; $depth > 0 || $tokens[$j]->text !== ']'; $j++) {
                if ($expected && $tokens[$j]->is($nameTokens)) {
                    $add($tokens[$j]->text);
                }
                $depth += ['(' => 1, '[' => 1, ')' => -1, ']' => -1][$tokens[$j]->text] ?? 0;
                $expected = $depth === 0 && $tokens[$j]->text === ',';
            }
        } elseif ($t->is(T_CATCH)) {
            for ($j = $i + 2; $tokens[$j]->text !== ')'; $j++) {
                if ($tokens[$j]->is($nameTokens)) {
                    $add($tokens[$j]->text);
                }
            }
        } elseif ($t->is(T_DOC_COMMENT)) {
            preg_match_all('/@(?:phpstan-|psalm-)?(?:param|return|var|throws|property(?:-read|-write)?|mixin|extends|implements|use)\s+(.*)/', $t->text, $found);
            foreach ($found[1] as $rest) {
                for ($depth = 0, $end = 0; $end < strlen($rest); $end++) {
                    $depth += ['<' => 1, '{' => 1, '(' => 1, '[' => 1, '>' => -1, '}' => -1, ')' => -1, ']' => -1][$rest[$end]] ?? 0;
                    if ($depth <= 0 && ctype_space($rest[$end]) && !in_array($rest[$end - 1] ?? '', ['|', '&', ':'], true)) {
                        break;
                    }
                }
                preg_match_all('/(?<![\w$\'"-])\\\\?[A-Za-z_]\w*(?:\\\\\w+)*(?![\w-]*\'|-)/', substr($rest, 0, $end), $words);
                foreach ($words[0] as $word) {
                    $add($word);
                }
            }
        } elseif ($t->is($nameTokens)) {
            if ($next?->is(T_DOUBLE_COLON)) {
                $add($t->text);
            }
            // A type stands before a variable, perhaps as one of several, or after `):`.
            $j = $i + 1;
            while (isset($tokens[$j + 1]) && in_array($tokens[$j]->text, ['|', '&', ')', '('], true)
                && ($tokens[$j + 1]->is($nameTokens) || in_array($tokens[$j + 1]->text, ['(', '|', '&'], true))) {
                $j += $tokens[$j + 1]->is($nameTokens) ? 2 : 1;
            }
            if (isset($tokens[$j]) && ($tokens[$j]->text === '&' || $tokens[$j]->is(T_ELLIPSIS))) {
                $j++;
            }
            if (isset($tokens[$j]) && $tokens[$j]->is(T_ELLIPSIS)) {
                $j++;
            }
            $direct = ($tokens[$j] ?? null)?->is(T_VARIABLE) && !$previous?->is([T_OBJECT_OPERATOR, T_DOUBLE_COLON, T_FUNCTION, T_CONST]);
            $back = $i - 1;
            while ($back > 0 && ($tokens[$back]->is($nameTokens) || in_array($tokens[$back]->text, ['|', '&', '?', '('], true))) {
                $back--;
            }
            $result = $tokens[$back]->text === ':' && ($tokens[$back - 1] ?? null)?->text === ')'
                && in_array(($tokens[$j] ?? null)?->text, ['{', ';', '=>'], true);
            if ($direct || $result) {
                $add($t->text);
            }
        }
    }
    return ['declared' => $declared, 'names' => array_keys($names), 'stubs' => $stubs];
}

function typeText(?ReflectionType $type): ?string
{
    return $type === null ? null : (string) $type;
}

function callableOf(ReflectionFunctionAbstract $f): array
{
    return [
        'name' => $f->getShortName(),
        'static' => $f instanceof ReflectionMethod && $f->isStatic(),
        'by_ref' => $f->returnsReference(),
        'returns' => typeText($f->getReturnType()),
        'params' => array_map(fn (ReflectionParameter $p) => [
            'name' => $p->getName(),
            'type' => typeText($p->getType()),
            'default' => $p->isDefaultValueAvailable(),
            'value' => $p->isDefaultValueAvailable() && !$p->isDefaultValueConstant() && is_scalar($p->getDefaultValue())
                ? var_export($p->getDefaultValue(), true) : null,
            'variadic' => $p->isVariadic(),
            'by_ref' => $p->isPassedByReference(),
            'promoted' => $p->isPromoted(),
        ], $f->getParameters()),
    ];
}

$places = [];
$stubs = [];
$links = [];
foreach ($files as $file) {
    $found = scan(file_get_contents("$root/$file"));
    foreach ($found['declared'] as $class => $kind) {
        $places[strtolower($class)] ??= [$file, $class];
    }
    $links[$file] = $found['names'];
    $stubs += array_combine(array_map('strtolower', array_keys($found['stubs'])), $found['stubs']);
}
spl_autoload_register(function (string $class) use ($root, $places, $stubs): void {
    if (isset($places[strtolower($class)])) {
        require_once "$root/" . $places[strtolower($class)][0];
        return;
    }
    $kind = $stubs[strtolower($class)] ?? null;
    if ($kind !== null) {
        $cut = strrpos($class, '\\');
        $space = $cut === false ? '' : 'namespace ' . substr($class, 0, $cut) . ';';
        eval("$space $kind " . ($cut === false ? $class : substr($class, $cut + 1)) . ' {}');
    }
});

if (!function_exists('trigger_deprecation')) {
    eval('function trigger_deprecation(mixed ...$words): void {}');
}
$classes = [];
foreach ($places as [$file, $class]) {
    $r = new ReflectionClass($class);
    $own = fn ($member) => $member->getDeclaringClass()->getName() === $r->getName();
    $methods = array_filter(
        $r->getMethods(ReflectionMethod::IS_PUBLIC),
        fn ($m) => $own($m) && !$m->isInternal() && $m->getFileName() === $r->getFileName()
            && $m->getStartLine() >= $r->getStartLine() && $m->getEndLine() <= $r->getEndLine(),
    );
    $inTraits = [];
    foreach ($r->getTraits() as $trait) {
        foreach ($trait->getProperties() as $property) {
            $inTraits[$property->getName()] = true;
        }
    }
    $constants = array_filter($r->getReflectionConstants(), fn ($c) => $own($c) && $c->isPublic());
    $isCase = fn ($c) => $r->isEnum() && $c->isEnumCase();
    $classes[] = [
        'file' => $file,
        'name' => $r->getName(),
        'kind' => $r->isEnum() ? 'enum' : ($r->isInterface() ? 'interface' : ($r->isTrait() ? 'trait' : 'class')),
        'methods' => array_values(array_map('callableOf', $methods)),
        'constants' => array_values(array_map(fn ($c) => $c->getName(), array_filter($constants, fn ($c) => !$isCase($c)))),
        'cases' => array_values(array_map(fn ($c) => $c->getName(), array_filter($constants, $isCase))),
        'properties' => array_values(array_map(
            fn ($p) => $p->getName(),
            array_filter(
                $r->getProperties(ReflectionProperty::IS_PUBLIC),
                fn ($p) => $own($p) && !isset($inTraits[$p->getName()]) && !$r->isEnum(),
            ),
        )),
    ];
}
$uses = [];
foreach ($links as $file => $names) {
    $targets = [];
    foreach ($names as $name) {
        $place = $places[strtolower($name)][0] ?? null;
        if ($place !== null && $place !== $file) {
            $targets[$place] = true;
        }
    }
    ksort($targets);
    $uses[$file] = array_keys($targets);
}
echo json_encode(['classes' => $classes, 'uses' => (object) $uses], JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
