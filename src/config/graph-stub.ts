export const checkFlow = (_flow: unknown, _around: unknown): { path: (string | number)[]; message: string; hint: string }[] => []
